/** How far snapshots are, as the checkpoint keeps it: committed with the rows that it counts. */
import type { Fields } from './fields.ts';

/** A table that is to be read, or is being read. One that was read is in the log no more. */
export interface SnapshotTable {
  /** Of the snapshot, which may have several tables. */
  readonly id: string;
  /** `initial`: every table, when the slot's story began. */
  readonly kind: 'initial' | 'incremental';
  readonly schema: string;
  readonly name: string;
  /** A condition in SQL on the rows that are read; null: all. */
  readonly where: string | null;
  /** The columns by which it is read; null while nothing was read. */
  readonly key: readonly string[] | null;
  /** Which table it is, and what its key is made of: when that is another one, `after` says nothing. Null: not known. */
  readonly shape: string | null;
  /** The key of the last row that was read, as texts. */
  readonly after: readonly string[] | null;
  /** Rows read so far, published or not. */
  readonly rows: number;
}

export interface SnapshotLog {
  /** Rows that snapshots have ever read: gives each its place, so that no two have one identity. */
  readonly sequence: number;
  readonly paused: boolean;
  /**
   * At least once: the word on the last command, whose effect is in this log. It may not be in the snapshot topic yet: a
   * command without it is not executed again, only answered.
   */
  readonly unsaid: string | null;
  /** In the order in which they are read. */
  readonly tables: readonly SnapshotTable[];
}

/** Throws TypeError that names the field. */
export function readSnapshotLog(fields: Fields): SnapshotLog {
  return {
    sequence: fields.integer('sequence'),
    paused: fields.boolean('paused'),
    // Earlier versions wrote none.
    unsaid: fields.has('unsaid') ? fields.optionalText('unsaid') : null,
    tables: fields.objects('tables').map((table) => ({
      id: table.text('id'),
      kind: kindOf(table.text('kind')),
      schema: table.text('schema'),
      name: table.text('name'),
      where: table.optionalText('where'),
      key: table.optionalTexts('key'),
      // Earlier versions wrote none.
      shape: table.has('shape') ? table.optionalText('shape') : null,
      after: table.optionalTexts('after'),
      rows: table.integer('rows'),
    })),
  };
}

function kindOf(text: string): SnapshotTable['kind'] {
  if (text === 'initial' || text === 'incremental') return text;
  throw new TypeError(`a snapshot is initial or incremental, not ${text}`);
}
