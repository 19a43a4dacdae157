/** Reads tables chunk by chunk on a connection of its own, in the texts that the stream has. */
import type { Relation } from '@diptych/pgoutput/relation';
import { assert } from '@diptych/runtime/assert';
import { chunkSql } from '@diptych/snapshot/chunk-query';
import {
  type DescribedTable,
  type DescriptionRow,
  describedTable,
  describeTableSql,
} from '@diptych/snapshot/described-table';
import { Visibility } from '@diptych/snapshot/visibility';
import { quoteIdentifier, quoteLiteral } from '@diptych/wal/catalogue';
import { type Lsn, parseLsn } from '@diptych/wal/lsn';
import type { ReadRows } from '@diptych/wal/read-rows';
import { TextReader } from '@diptych/wal/text-reader';
import { ServerClock } from './server-clock.ts';
import { notReadable } from './table-refusal.ts';
import { isAnyWaiting, type WaitingCommits, waitingCommits } from './waiting-commits.ts';

export interface TableName {
  readonly schema: string;
  readonly name: string;
}

export interface ChunkRequest {
  readonly table: TableName & { readonly where: string | null };
  /** Its key, and the last one that was read. */
  readonly after: readonly string[] | null;
  readonly rows: number;
  readonly bytesMax: number;
}

export interface CursorRequest {
  readonly cursor: string;
  /** How many rows were taken already. */
  readonly from: number;
  readonly rows: number;
  readonly bytesMax: number;
}

export interface Chunk {
  readonly described: DescribedTable;
  readonly rows: ReadRows;
  /** Of their texts. */
  readonly bytes: number;
  /** No row is left behind them. */
  readonly isLast: boolean;
  /** By the server's clock, µs since 1970. */
  readonly timeUs: bigint;
}

/** What one state of the database shows. */
interface State {
  /** Which transactions the rows show. */
  readonly visibility: Visibility;
  /** The end of the WAL when the rows were read: whatever they show was committed before it. */
  readonly position: Lsn;
  readonly timeUs: bigint;
}

/** One that was read beside the stream. */
export type SeenChunk = Chunk & State;

const isSameRelation = (one: Relation, other: Relation): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

const quoting = { identifier: quoteIdentifier, literal: quoteLiteral };

export class ChunkReader {
  readonly #reader: TextReader;
  readonly #publication: string;
  readonly #clock = new ServerClock(async () => (await this.#state()).timeUs);
  #cursors = 0;
  /** The role's own. */
  #searchPath: string | null = null;

  private constructor(reader: TextReader, publication: string) {
    this.#reader = reader;
    this.#publication = publication;
  }

  /** Throws OperatingError. */
  static async open(
    databaseUrl: string,
    { slot, publication }: { slot: string; publication: string },
  ): Promise<ChunkReader> {
    const reader = await TextReader.open(databaseUrl, { applicationName: `diptych snapshot ${slot}` });
    return new ChunkReader(reader, publication);
  }

  close(): Promise<void> {
    return this.#reader.close();
  }

  /** Reads everything as of an exported snapshot from now on, in one transaction. Throws OperatingError. */
  async adopt(snapshotName: string): Promise<void> {
    await this.#reader.query('begin isolation level repeatable read, read only');
    await this.#reader.query(`set transaction snapshot ${quoteLiteral(snapshotName)}`);
  }

  /** The table as its publication sends it; null when it does not. Throws OperatingError. */
  async describe({ schema, name }: TableName): Promise<DescribedTable | null> {
    const [publication, ...names] = [this.#publication, schema, name].map(quoteLiteral);
    const sql = describeTableSql({
      publication: publication ?? '',
      schema: names[0] ?? '',
      name: names[1] ?? '',
    });
    const [row] = await this.#reader.query(sql);
    if (!row) return null;
    return describedTable({ schema, name }, JSON.parse(row[0] ?? '') as DescriptionRow);
  }

  /** Whether the server takes the condition. Throws OperatingError with its words when not. */
  async check(described: DescribedTable, where: string | null): Promise<void> {
    await this.#reader.query(`explain ${chunkSql(described, { after: null, where, rows: 1, quoting })}`);
  }

  /** Whether the table has a row for it. Throws OperatingError. */
  async isEmpty(described: DescribedTable, where: string | null): Promise<boolean> {
    const rows = await this.#reader.query(chunkSql(described, { after: null, where, rows: 1, quoting }));
    return rows.length === 0;
  }

  /**
   * Inside the transaction that is open, which has read of the table, so that nobody alters it any more: whether it still is as
   * that transaction sees it. One that was rewritten since (`alter table`) shows no rows to a state from before, and would
   * pass for empty. https://www.postgresql.org/docs/18/mvcc-caveats.html
   * Throws OperatingError.
   */
  async isAsSeen({ relation: { oid } }: DescribedTable): Promise<boolean> {
    return await this.#isTrue(
      `(select bool_and(c.relfilenode = coalesce(pg_relation_filenode(c.oid), 0)) from pg_class c
        where c.oid = ${oid} or c.oid in (select relid from pg_partition_tree('${oid}'::regclass)))`,
    );
  }

  /** Inside the transaction that is open: what fails in `work` leaves it as it was. Throws what `work` throws. */
  async trying<T>(work: () => Promise<T>): Promise<T> {
    await this.#reader.query('savepoint trying');
    try {
      const done = await work();
      await this.#reader.query('release savepoint trying');
      return done;
    } catch (error) {
      await this.#reader.query('rollback to savepoint trying');
      throw error;
    }
  }

  /**
   * One chunk, in a transaction that sees one state and ends with it; null when the publication has the table no more, or it
   * was altered meanwhile. `onSeen` is told as soon as that state is fixed, while rows are yet to come. Throws OperatingError.
   */
  async read(request: ChunkRequest, onSeen: (position: Lsn) => Promise<void>): Promise<SeenChunk | null> {
    await this.#reader.query('begin isolation level repeatable read, read only');
    try {
      const described = await this.describe(request.table);
      return described && (await this.#read(described, request, onSeen));
    } finally {
      // Nothing was written; a connection that is gone has no transaction. Whatever comes next waits for it.
      void this.#reader.query('rollback').catch(() => {});
    }
  }

  async #read(
    described: DescribedTable,
    request: ChunkRequest,
    onSeen: (position: Lsn) => Promise<void>,
  ): Promise<SeenChunk | null> {
    try {
      const state = await this.#state();
      const seen = onSeen(state.position);
      const [rows] = await Promise.all([this.#rows(described, request), seen]);
      return (await this.isAsSeen(described)) ? { described, ...state, ...rows } : null;
    } catch (error) {
      if (!notReadable(error)) throw error;
      await this.#reader.query('rollback');
      const now = await this.describe(request.table);
      // Of a column that is gone, for instance, nothing can be read any more: the next look knows.
      if (!now || !isSameRelation(now.relation, described.relation)) return null;
      throw error;
    }
  }

  /** The same inside the transaction that is open. */
  async readInside(described: DescribedTable, request: ChunkRequest): Promise<Chunk> {
    const timeUs = await this.#clock.timeUs();
    return { described, timeUs, ...(await this.#rows(described, request)) };
  }

  /**
   * A table without a key, to be read in the transaction that is open: in the order in which its rows lie, which a cursor
   * keeps. Answers the cursor's name. Throws OperatingError.
   */
  async openCursor(described: DescribedTable, where: string | null): Promise<string> {
    this.#cursors += 1;
    const cursor = `rows_${this.#cursors}`;
    const sql = chunkSql(described, { after: null, where, rows: null, quoting });
    await this.#reader.query(`declare ${cursor} scroll cursor for ${sql}`);
    return cursor;
  }

  /** The rows behind the first `from`. Throws OperatingError. */
  async readCursor(
    described: DescribedTable,
    { cursor, from, rows: limit, bytesMax }: CursorRequest,
  ): Promise<Chunk> {
    const timeUs = await this.#clock.timeUs();
    // Back, by rows that were received and did not fit, or were one too many.
    await this.#reader.query(`move absolute ${from} in ${cursor}`);
    const { rows, bytes, isWhole } = await this.#reader.read(`fetch forward ${limit} from ${cursor}`, {
      bytesMax,
    });
    const isLast = isWhole && rows.length < limit;
    if (isLast) await this.#reader.query(`close ${cursor}`);
    return { described, timeUs, rows, bytes, isLast };
  }

  async #state(): Promise<State> {
    const [state] = await this.#reader.query(
      `select pg_current_snapshot(), pg_current_wal_insert_lsn(),
         (extract(epoch from clock_timestamp()) * 1000000)::int8`,
    );
    assert(state, 'a select without from has one row');
    const [snapshot, position, timeUs] = state;
    return {
      visibility: new Visibility(snapshot ?? ''),
      position: parseLsn(position ?? ''),
      timeUs: BigInt(timeUs ?? ''),
    };
  }

  async #rows(
    described: DescribedTable,
    { table, after, rows: limit, bytesMax }: ChunkRequest,
  ): Promise<Pick<Chunk, 'rows' | 'bytes' | 'isLast'>> {
    await this.#findOperators(described.operatorSchemas);
    const sql = chunkSql(described, { after, where: table.where, rows: limit, quoting });
    const { rows, bytes, isWhole } = await this.#reader.read(sql, { bytesMax });
    return { rows, bytes, isLast: isWhole && rows.length < limit };
  }

  /**
   * Has the server write its WAL soon, up to here at least: a transaction that has an id, and changes nothing, is a commit
   * record that does not wait for the disk, and the server's WAL writer does not leave such a one behind. Everybody may.
   * https://www.postgresql.org/docs/18/wal-async-commit.html
   * Throws OperatingError.
   */
  async haveWritten(): Promise<void> {
    await this.#reader.query('select pg_current_xact_id()');
  }

  /** As `waitingCommits`. Throws OperatingError. */
  async waitingCommits(): Promise<WaitingCommits> {
    return await waitingCommits(this.#reader);
  }

  /** Whether there are such. Throws OperatingError. */
  async hasWaiting(waiting: WaitingCommits): Promise<boolean> {
    const condition = isAnyWaiting(waiting);
    return condition !== null && (await this.#isTrue(condition));
  }

  async #isTrue(condition: string): Promise<boolean> {
    const [row] = await this.#reader.query(`select ${condition}`);
    return row?.[0] === 't';
  }

  /** Operators are found by the search path: those of the key's own types come first. */
  async #findOperators(schemas: readonly string[]): Promise<void> {
    if (schemas.length === 0) return;
    this.#searchPath ??= (await this.#reader.query(`select current_setting('search_path')`))[0]?.[0] ?? '';
    const path = [...schemas.map(quoteIdentifier), this.#searchPath].join(', ');
    await this.#reader.query(`select set_config('search_path', ${quoteLiteral(path)}, true)`);
  }
}
