/**
 * Reads tables beside the stream: chunk by chunk, each published where the stream has brought everything that the chunk
 * shows, without the rows that the stream has overtaken meanwhile. docs/decisions/0017-snapshots-by-one-watermark.md
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SnapshotTable } from '@diptych/kafka/snapshot-log';
import type { OperatingError } from '@diptych/runtime/failure';
import type { Logger } from '@diptych/runtime/log';
import { nextChunkRows } from '@diptych/snapshot/chunk-size';
import { type DescribedTable, goesOn, isReadAlike } from '@diptych/snapshot/described-table';
import { advance, isDue, isSameReading, startOver, without } from '@diptych/snapshot/log';
import { keyReader, lastKeyOf } from '@diptych/snapshot/read-row';
import { Window } from '@diptych/snapshot/window';
import type { Catalogue } from '@diptych/wal/catalogue';
import { type Lsn, lsn } from '@diptych/wal/lsn';
import { emitWatermark } from '@diptych/wal/watermark';
import type { ChangePanel } from '../change-panel.ts';
import type { Configuration } from '../configuration.ts';
import type { PublishedRecord } from '../panels.ts';
import { describeTables } from '../source.ts';
import { type Chunk, ChunkReader } from './chunk-reader.ts';
import type { Ledger } from './ledger.ts';
import type { ReadPanel } from './read-panel.ts';
import type { SnapshotTopic } from './snapshot-topic.ts';
import type { StreamWatch } from './stream-watch.ts';
import { brokenOff, isGone, isKeyless, notReadable, requireKey } from './table-refusal.ts';
import { endWords, tableText, wordOf } from './words.ts';

export interface IncrementalOptions {
  readonly configuration: Configuration;
  readonly catalogue: Catalogue;
  readonly ledger: Ledger;
  readonly watch: StreamWatch;
  readonly topic: SnapshotTopic;
  readonly change: ChangePanel;
  readonly panel: ReadPanel;
  readonly log: Logger;
  /** Told after each chunk. */
  readonly onRead: (table: SnapshotTable, described: DescribedTable) => void;
}

/** Keys that a window keeps, about 10 MB: a transaction that changes more while a chunk is read makes it be read anew. */
const windowKeysMax = 100_000;

/** A commit that others cannot see yet is seen within milliseconds, unless it waits for a standby. */
const unseenDelayMs = 50;

const statsRemedy =
  'Grant the role pg_read_all_stats: it is told then which commits wait for a standby, and waits for these only.';

/** An idle server may leave the end of its WAL unwritten: then that end is never sent. */
const unwrittenDelayMs = 1000;
const pollMs = 20;

export class Incremental {
  readonly #options: IncrementalOptions;
  /** Of this session: a mark of another one means nothing here. */
  readonly #session = randomUUID();
  #reader: ChunkReader | null = null;
  #marks = 0;
  #current: { readonly table: SnapshotTable; described: DescribedTable; rows: number; bytes: number } | null =
    null;
  #closed = false;

  constructor(options: IncrementalOptions) {
    this.#options = options;
  }

  /** Reads what is due, for as long as the session lives. Rejects with what ends the session. */
  async run(): Promise<void> {
    const { ledger } = this.#options;
    while (!this.#closed) {
      await ledger.between(
        () => {},
        () => isDue(ledger.log),
      );
      const reader = await this.#open();
      if (this.#options.watch.isUnsure) await this.#settle(reader);
      // A command may have stopped or paused it meanwhile.
      const [table] = ledger.log.tables;
      if (table && isDue(ledger.log)) await this.#step(table, reader);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#reader?.close();
  }

  async #open(): Promise<ChunkReader> {
    const { catalogue, configuration } = this.#options;
    const { slot, change } = configuration;
    this.#reader ??= await ChunkReader.open(catalogue.databaseUrl, { slot, publication: change.publication });
    // The session ended while this was connecting.
    if (this.#closed) await this.#reader.close();
    return this.#reader;
  }

  /** What committed before this session, or too long ago to be kept, and nobody sees yet: the stream does not bring it again. */
  async #settle(reader: ChunkReader): Promise<void> {
    const { watch, log } = this.#options;
    watch.settle();
    const waiting = await reader.waitingCommits();
    if (waiting.tag === 'open')
      log.info({ remedy: statsRemedy }, 'snapshots wait until all open transactions have ended');
    while (!this.#closed && (await reader.hasWaiting(waiting))) await sleep(unseenDelayMs);
  }

  /**
   * What is wrong with a table that somebody asked for ends its reading, not the stream. Of an initial snapshot only that it
   * is gone, or that its one reading is over: who asked for all rows has to know of those that cannot be read before the stream
   * goes on without them.
   */
  async #step(table: SnapshotTable, reader: ChunkReader): Promise<void> {
    try {
      await this.#chunk(table, reader);
    } catch (error) {
      this.#options.watch.close();
      const isLeft = notReadable(error) && error.code === 'snapshot-table-without-key' && isKeyless(table);
      const mayEnd = table.kind !== 'initial' || isLeft || (notReadable(error) && isGone(error));
      if (this.#closed || !notReadable(error) || !mayEnd) throw error;
      await this.#giveUp(table, isLeft ? brokenOff(table) : error);
    }
  }

  async #chunk(table: SnapshotTable, reader: ChunkReader): Promise<void> {
    const { ledger, watch, configuration } = this.#options;
    const { chunkRowsMax, chunkBytesMax } = configuration.snapshot;
    if (!this.#current || !isSameReading(this.#current.table, table)) {
      const described = requireKey(await reader.describe(table), table);
      this.#current = { table, described, rows: 0, bytes: 0 };
    }
    const { described, ...last } = this.#current;
    if (!goesOn(table, described)) return await this.#beginAnew(table);
    const { relation, key } = described;
    const window = new Window({ relation, key, keysMax: windowKeysMax });
    const limits = { rowsMax: chunkRowsMax, bytesMax: chunkBytesMax };
    const rows = nextChunkRows(limits, last);
    watch.open(window);
    const request = { table, after: table.after, rows, bytesMax: chunkBytesMax };
    // What the chunk shows is fixed before its rows come: the window's end is on its way meanwhile.
    const chunk = await reader.read(request, (position) => this.#end(position));
    if (!chunk || !isReadAlike(chunk.described, described)) {
      this.#current = null;
      return watch.close();
    }
    if (watch.hasUnseen(chunk.visibility)) {
      watch.close();
      await sleep(unseenDelayMs);
      return;
    }
    await learnTypes(chunk.described, this.#options);
    if (configuration.snapshot.watermarks === 'none') await this.#untilPassed(reader);
    const isTaken = await ledger.between(
      () => this.#publish({ table, chunk, window }),
      () => watch.hasEnded && !ledger.delivery.isHeldBack(),
    );
    if (isTaken) this.#current = { table, described, rows: chunk.rows.length, bytes: chunk.bytes };
  }

  /** The window ends behind what is in the WAL now: the chunk shows nothing that is not before it. */
  async #end(position: Lsn): Promise<void> {
    const { watch, catalogue, configuration } = this.#options;
    const { snapshot, slot } = configuration;
    if (snapshot.watermarks === 'none') return watch.awaitEnd({ tag: 'position', position });
    this.#marks += 1;
    const mark = JSON.stringify({ slot, session: this.#session, chunk: this.#marks });
    watch.awaitEnd({ tag: 'mark', mark });
    await emitWatermark(catalogue, mark);
  }

  /**
   * Without a mark the end may never come: what is in no file yet is not sent, and an idle server may leave it so. Nor may
   * the window end before: what commits without waiting for the disk is seen before, and lost with the server.
   */
  async #untilPassed(reader: ChunkReader): Promise<void> {
    const { watch } = this.#options;
    for (let waitedMs = pollMs; !this.#closed && !watch.hasEnded; waitedMs += pollMs) {
      await sleep(pollMs);
      if (waitedMs % unwrittenDelayMs !== 0) continue;
      await reader.haveWritten();
    }
  }

  /** Between two transactions: the rows that nothing has overtaken, and how far the table is with them. */
  #publish({ table, chunk, window }: { table: SnapshotTable; chunk: Chunk; window: Window }): boolean {
    const { ledger, watch, panel, topic, onRead } = this.#options;
    const position = watch.received;
    watch.close();
    // It was stopped meanwhile, or what came meanwhile is not known whole.
    if (!ledger.log.tables.includes(table) || window.isLost) return false;
    const { described, rows, isLast, timeUs } = chunk;
    const { key, shape } = described;
    const keyAt = keyReader(described, rows);
    const records: PublishedRecord[] = panel.encode({
      ...{ id: table.id, described, timeUs, sourceLsn: null },
      rows: rows.filter((index) => !window.overtook(keyAt(index))),
      markerOf: () => 'incremental',
      sequence: ledger.log.sequence,
      // The last byte before whatever comes next: no transaction has that position.
      lsn: lsn(position - 1n),
    });
    const step = { key, shape, last: lastKeyOf(described, rows), rows: rows.length, isLast };
    const log = advance(ledger.log, { table, step });
    const read = table.rows + rows.length;
    const words = isLast ? endWords(topic, { status: 'table-completed', table, log, rows: read }) : [];
    ledger.offer([...records, ...words], log);
    onRead({ ...table, rows: read }, described);
    return true;
  }

  /** Its key, or the table itself, is another one than the one that was read so far. */
  async #beginAnew(table: SnapshotTable): Promise<void> {
    const { ledger, topic, log } = this.#options;
    const reason = 'the table, or what its key is made of, is not what was read so far';
    await ledger.between(() => {
      // It was stopped meanwhile.
      if (!ledger.log.tables.includes(table)) return;
      const word = { id: table.id, tables: [tableText(table)], reason };
      const said = wordOf(topic, { status: 'table-restarted', ...word });
      ledger.offer([said], startOver(ledger.log, table));
    });
    log.warn({ table: tableText(table), rows: table.rows, reason }, 'a table is read from its beginning');
  }

  async #giveUp(table: SnapshotTable, { message, remedy, code }: OperatingError): Promise<void> {
    const { ledger, topic, log } = this.#options;
    this.#current = null;
    await ledger.between(() => {
      const left = without(ledger.log, (one) => isSameReading(one, table));
      const words = endWords(topic, { status: 'table-failed', table, log: left, reason: message, remedy });
      ledger.offer(words, left);
    });
    log.warn(
      { table: tableText(table), code, reason: message, remedy },
      'a table cannot be read, the stream goes on',
    );
  }
}

/** A table may have types that the relay has not met. Throws OperatingError. */
export async function learnTypes(
  { relation }: DescribedTable,
  { change, catalogue }: Pick<IncrementalOptions, 'change' | 'catalogue'>,
): Promise<void> {
  if (!change.knowsTypesOf(relation)) change.describe(await describeTables(catalogue));
}
