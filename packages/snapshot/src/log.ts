/** What is read next, and how far: changes of the log that the checkpoint keeps, as pure functions. */
import type { SnapshotLog, SnapshotTable } from '@diptych/kafka/snapshot-log';

/** A table to be read. */
export type AskedTable = Pick<SnapshotTable, 'schema' | 'name' | 'where'>;

/** What was read of a table in one step. */
export interface Step {
  readonly key: readonly string[];
  /** As of what was read. */
  readonly shape: string;
  /** The key of the last row that was read; null when there was none. */
  readonly last: readonly string[] | null;
  readonly rows: number;
  /** No row is left. */
  readonly isLast: boolean;
}

const begun = { key: null, shape: null, after: null, rows: 0 };

/** Before the first snapshot. */
export const noSnapshots: SnapshotLog = { sequence: 0, paused: false, unsaid: null, tables: [] };

/** Puts the tables behind those that are being read. */
export function append(
  log: SnapshotLog,
  { id, kind, tables }: { id: string; kind: SnapshotTable['kind']; tables: readonly AskedTable[] },
): SnapshotLog {
  const added = tables.map(({ schema, name, where }) => ({
    ...{ id, kind, schema, name, where },
    ...begun,
  }));
  return { ...log, tables: [...log.tables, ...added] };
}

/** After a step of `table`, which is one of the log. One that is read to its end leaves the log. */
export function advance(
  log: SnapshotLog,
  { table, step }: { table: SnapshotTable; step: Step },
): SnapshotLog {
  const { key, shape, last, rows, isLast } = step;
  const next = { ...table, key, shape, after: last ?? table.after, rows: table.rows + rows };
  return {
    ...log,
    sequence: log.sequence + rows,
    tables: log.tables.flatMap((one) => (one !== table ? [one] : isLast ? [] : [next])),
  };
}

/** Its key, or the table itself, is another one now: what was read by the old one says nothing of what is left. */
export function startOver(log: SnapshotLog, table: SnapshotTable): SnapshotLog {
  const anew = { ...table, ...begun };
  return { ...log, tables: log.tables.map((one) => (one === table ? anew : one)) };
}

/** Without the tables that `isEnded` names. A log without tables is not paused: the next snapshot begins at once. */
export function without(log: SnapshotLog, isEnded: (table: SnapshotTable) => boolean): SnapshotLog {
  const tables = log.tables.filter((table) => !isEnded(table));
  return { ...log, tables, paused: log.paused && tables.length > 0 };
}

/** Whether they are one reading, however far: a table may be asked for twice, and names with dots look alike. */
export const isSameReading = (one: SnapshotTable, other: SnapshotTable): boolean =>
  one.id === other.id && one.schema === other.schema && one.name === other.name;

/** Whether anything is to be read now. */
export const isDue = ({ paused, tables }: SnapshotLog): boolean => !paused && tables.length > 0;
