/**
 * Reads tables as they were where the slot's stream begins, several at once, before it is let run. A table of which not
 * everything is read when the session ends, or that cannot be read as it was, or when somebody pauses, is read on beside
 * the stream: docs/decisions/0018-initial-snapshots.md.
 */
import type { SnapshotTable } from '@diptych/kafka/snapshot-log';
import { OperatingError } from '@diptych/runtime/failure';
import { nextChunkRows } from '@diptych/snapshot/chunk-size';
import type { DescribedTable } from '@diptych/snapshot/described-table';
import { advance, isSameReading } from '@diptych/snapshot/log';
import { initialMarker } from '@diptych/snapshot/marker';
import { lastKeyOf } from '@diptych/snapshot/read-row';
import { lsn } from '@diptych/wal/lsn';
import type { Chunk, ChunkReader } from './chunk-reader.ts';
import type { ExportedSnapshot } from './exported-snapshot.ts';
import type { IncrementalOptions } from './incremental.ts';
import { learnTypes } from './incremental.ts';
import { notReadable, requirePublished } from './table-refusal.ts';
import { endWords, tableText } from './words.ts';

interface Readable {
  readonly table: SnapshotTable;
  readonly described: DescribedTable;
}

/** Where in a table reading goes on. */
type Place = Pick<SnapshotTable, 'after' | 'rows'>;

/** How a table is read. */
interface Chunks {
  readonly reader: ChunkReader;
  readonly described: DescribedTable;
  /** Of a table without a key. */
  readonly cursor: string | null;
  readonly table: SnapshotTable;
}

interface Read {
  readonly chunk: Chunk;
  readonly from: Place;
  readonly behind: Place;
}

export class Initial {
  readonly #options: IncrementalOptions;
  readonly #exported: ExportedSnapshot;
  #isFirst = true;

  constructor(options: IncrementalOptions, exported: ExportedSnapshot) {
    this.#options = options;
    this.#exported = exported;
  }

  /** Resolves when all is offered, and no transaction is open any more. Throws OperatingError. */
  async run(): Promise<void> {
    const { readers } = this.#exported;
    const readable = await this.#prepare();
    const read = async (reader: ChunkReader): Promise<void> => {
      for (let next = readable.shift(); next; next = readable.shift()) {
        const one = next;
        await this.#orLeave(one.table, () => reader.trying(() => this.#table(one, reader)));
      }
    };
    await Promise.all(readers.map(read));
    await this.#exported.close();
  }

  /** Tables without rows are done at once: of the others, the last row of the last one is known to be the last. */
  async #prepare(): Promise<Readable[]> {
    const { ledger } = this.#options;
    const [reader] = this.#exported.readers;
    const readable: Readable[] = [];
    for (const table of ledger.log.tables) {
      if (!reader || table.kind !== 'initial') continue;
      await this.#orLeave(table, async () => {
        const described = await reader.trying(() => this.#open(table, reader));
        if (described) readable.push({ table, described });
      });
    }
    return readable;
  }

  /** Null for a table without rows, which is done. */
  async #open(table: SnapshotTable, reader: ChunkReader): Promise<DescribedTable | null> {
    const described = requirePublished(await reader.describe(table), table);
    await learnTypes(described, this.#options);
    const isEmpty = await reader.isEmpty(described, table.where);
    if (!(await reader.isAsSeen(described))) {
      throw new OperatingError(
        'snapshot-refused',
        `${tableText(table)} was rewritten since the slot was made`,
        {
          remedy: 'It is read beside the stream.',
        },
      );
    }
    if (!isEmpty) return described;
    await this.#options.ledger.between(() => this.#skip(table, described));
    return null;
  }

  /** What is wrong with one table is left to the reading beside the stream: the others are read as they were. */
  async #orLeave(table: SnapshotTable, read: () => Promise<void>): Promise<void> {
    try {
      await read();
    } catch (error) {
      if (!notReadable(error)) throw error;
      const { code, message: reason } = error;
      this.#options.log.warn({ table: tableText(table), code, reason }, 'a table is left for later');
    }
  }

  /** How far the reading is; undefined when somebody stopped it. */
  #now(table: SnapshotTable): SnapshotTable | undefined {
    return this.#options.ledger.log.tables.find((one) => isSameReading(one, table));
  }

  #skip(asked: SnapshotTable, { key, shape }: DescribedTable): void {
    const { ledger, topic } = this.#options;
    const table = this.#now(asked);
    if (!table) return;
    const log = advance(ledger.log, { table, step: { key, shape, last: null, rows: 0, isLast: true } });
    ledger.offer(endWords(topic, { status: 'table-completed', table, log, rows: 0 }), log);
  }

  /** While a chunk waits for its turn, the next one is read. */
  async #table({ table: asked, described }: Readable, reader: ChunkReader): Promise<void> {
    const { ledger } = this.#options;
    const begun = this.#now(asked);
    if (!begun || ledger.log.paused) return;
    const cursor = described.key.length === 0 ? await reader.openCursor(described, asked.where) : null;
    const chunks = { reader, described, cursor, table: asked };
    let next: Promise<Read> | null = this.#read(chunks, begun, null);
    while (next) {
      const read: Read = await next;
      next = read.chunk.isLast ? null : this.#read(chunks, read.behind, read);
      next?.catch(() => {}); // thrown in its turn
      const table = this.#now(asked);
      if (!table || ledger.log.paused) break;
      // Somebody paused, and went on: what was to be published then is read again.
      if (table.rows !== read.from.rows) next = this.#again(next, () => this.#read(chunks, table, null));
      else
        await ledger.between(
          () => this.#publish({ table, chunk: read.chunk }),
          () => ledger.log.paused || ledger.delivery.hasRoom(),
        );
    }
    // The connection is left with nothing under way.
    await next?.catch(() => {});
  }

  async #again(last: Promise<Read> | null, read: () => Promise<Read>): Promise<Read> {
    await last?.catch(() => {});
    return await read();
  }

  /** The chunk that begins at a place, as large as the one before lets one expect. */
  async #read({ reader, described, cursor, table }: Chunks, from: Place, before: Read | null): Promise<Read> {
    const { chunkRowsMax: rowsMax, chunkBytesMax: bytesMax } = this.#options.configuration.snapshot;
    const last = before && { rows: before.chunk.rows.length, bytes: before.chunk.bytes };
    const rows = nextChunkRows({ rowsMax, bytesMax }, last);
    // One more says whether any is left: the last row of a table has a marker of its own.
    const wanted = { rows: rows + 1, bytesMax };
    const chunk: Chunk =
      cursor === null
        ? await reader.readInside(described, { table, after: from.after, ...wanted })
        : await reader.readCursor(described, { cursor, from: from.rows, ...wanted });
    const kept = chunk.rows.first(rows);
    const behind = { after: lastKeyOf(described, kept) ?? from.after, rows: from.rows + kept.length };
    return { chunk: { ...chunk, rows: kept }, from, behind };
  }

  #publish({ table, chunk }: { table: SnapshotTable; chunk: Chunk }): void {
    const { ledger, panel, topic, onRead } = this.#options;
    const { consistentPoint } = this.#exported;
    // It was stopped meanwhile, or paused: then the stream runs, and no transaction stays open until somebody goes on.
    if (!ledger.log.tables.includes(table) || ledger.log.paused) return;
    const { described, rows, isLast, timeUs } = chunk;
    const { key, shape } = described;
    const last = lastKeyOf(described, rows);
    const log = advance(ledger.log, { table, step: { key, shape, last, rows: rows.length, isLast } });
    const isLastTable = !log.tables.some(({ id }) => id === table.id);
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    const records = panel.encode({
      ...{ id: table.id, described, rows, timeUs, sourceLsn: consistentPoint },
      markerOf: (index) => {
        const isLastOfTable = isLast && index === rows.length - 1;
        return initialMarker({
          isFirst: isFirst && index === 0,
          isFirstOfTable: table.rows === 0 && index === 0,
          isLastOfTable,
          isLast: isLastOfTable && isLastTable,
        });
      },
      sequence: ledger.log.sequence,
      // Before whatever the stream begins with: a commit record may begin at the point itself.
      lsn: lsn(consistentPoint - 1n),
    });
    const read = table.rows + rows.length;
    const words = isLast ? endWords(topic, { status: 'table-completed', table, log, rows: read }) : [];
    ledger.offer([...records, ...words], log);
    onRead({ ...table, rows: read }, described);
  }
}
