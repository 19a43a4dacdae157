/** What is read next, and how far: changes of the log that the checkpoint keeps, as pure functions. */
import type { SnapshotLog, SnapshotTable } from '@diptych/kafka/snapshot-log';

/** A table to be read. */
export type AskedTable = Pick<SnapshotTable, 'schema' | 'name' | 'where'>;

/** What was read of a table in one step. */
export interface Step {
  readonly key: readonly string[];
  /** The key of the last row that was read; null when there was none. */
  readonly last: readonly string[] | null;
  readonly rows: number;
  /** No row is left. */
  readonly isLast: boolean;
}

/** Before the first snapshot. */
export const noSnapshots: SnapshotLog = { sequence: 0, paused: false, tables: [] };

/** Puts the tables behind those that are being read. */
export function append(
  log: SnapshotLog,
  { id, kind, tables }: { id: string; kind: SnapshotTable['kind']; tables: readonly AskedTable[] },
): SnapshotLog {
  const added = tables.map(({ schema, name, where }) => ({
    ...{ id, kind, schema, name, where },
    ...{ key: null, after: null, rows: 0 },
  }));
  return { ...log, tables: [...log.tables, ...added] };
}

/** After a step of `table`, which is one of the log. One that is read to its end leaves the log. */
export function advance(
  log: SnapshotLog,
  { table, step }: { table: SnapshotTable; step: Step },
): SnapshotLog {
  const { key, last, rows, isLast } = step;
  const next = { ...table, key, after: last ?? table.after, rows: table.rows + rows };
  return {
    ...log,
    sequence: log.sequence + rows,
    tables: log.tables.flatMap((one) => (one !== table ? [one] : isLast ? [] : [next])),
  };
}

/** Its key is another one now: what was read by the old one says nothing of what is left. */
export function startOver(log: SnapshotLog, table: SnapshotTable): SnapshotLog {
  const anew = { ...table, key: null, after: null, rows: 0 };
  return { ...log, tables: log.tables.map((one) => (one === table ? anew : one)) };
}

/** Without the tables that `isEnded` names. A log without tables is not paused: the next snapshot begins at once. */
export function without(log: SnapshotLog, isEnded: (table: SnapshotTable) => boolean): SnapshotLog {
  const tables = log.tables.filter((table) => !isEnded(table));
  return { ...log, tables, paused: log.paused && tables.length > 0 };
}

/** Whether anything is to be read now. */
export const isDue = ({ paused, tables }: SnapshotLog): boolean => !paused && tables.length > 0;
