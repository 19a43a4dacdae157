/** How far the reading of tables is, for status, metrics and the log of `run`. */
import type { SnapshotLog, SnapshotTable } from '@diptych/kafka/snapshot-log';
import type { Logger } from '@diptych/runtime/log';
import { type ReadingProgress, readingProgress } from '@diptych/snapshot/progress';
import type { Board } from '../board.ts';
import { tableText } from './words.ts';

/** A table that is read, or waits for it. */
export interface TableReading extends ReadingProgress {
  readonly snapshot: string;
  readonly table: string;
}

export interface SnapshotReading {
  readonly paused: boolean;
  readonly tables: readonly TableReading[];
}

/** As often as a person looks. */
const saidIntervalMs = 5000;

interface Beginning {
  readonly atMs: number;
  readonly rows: number;
  readonly estimatedRows: number | null;
}

export class ReadingWatch {
  readonly #board: Board;
  readonly #log: Logger;
  /** When this session read the first chunk of each. */
  readonly #begun = new Map<string, Beginning>();
  #seen: SnapshotLog | null = null;
  #saidAtMs = 0;

  constructor({ board, log }: { board: Board; log: Logger }) {
    this.#board = board;
    this.#log = log;
  }

  /** A chunk of the table was read. */
  read(table: SnapshotTable, estimatedRows: number | null): void {
    const name = nameOf(table);
    if (!this.#begun.has(name))
      this.#begun.set(name, { atMs: performance.now(), rows: table.rows, estimatedRows });
  }

  /** Shows the log, when it is another one than before. */
  see(log: SnapshotLog): void {
    if (log === this.#seen) return;
    const before = this.#seen;
    this.#seen = log;
    const nowMs = performance.now();
    const tables = log.tables.map((table) => this.#readingOf(table, nowMs));
    this.#board.snapshot = tables.length === 0 ? null : { paused: log.paused, tables };
    for (const table of before?.tables ?? []) {
      if (log.tables.some((one) => nameOf(one) === nameOf(table))) continue;
      this.#begun.delete(nameOf(table));
      this.#log.info({ snapshot: table.id, table: tableText(table) }, 'snapshot: table done');
    }
    const [first] = tables;
    if (!first || nowMs - this.#saidAtMs < saidIntervalMs) return;
    this.#saidAtMs = nowMs;
    this.#log.info({ ...first, tablesLeft: tables.length }, 'snapshot');
  }

  #readingOf(table: SnapshotTable, nowMs: number): TableReading {
    const first = this.#begun.get(nameOf(table));
    // One that is read from its beginning has no rate yet.
    const begun = first && first.rows <= table.rows ? first : null;
    const progress = readingProgress({
      rows: table.rows,
      rowsBefore: begun?.rows ?? table.rows,
      estimatedRows: begun?.estimatedRows ?? null,
      elapsedMs: begun ? nowMs - begun.atMs : 0,
    });
    return { snapshot: table.id, table: tableText(table), ...progress };
  }
}

const nameOf = ({ id, schema, name }: SnapshotTable): string => JSON.stringify([id, schema, name]);
