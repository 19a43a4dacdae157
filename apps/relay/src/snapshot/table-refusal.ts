/** Why a table cannot be read, with the way out. */

import type { SnapshotTable } from '@diptych/kafka/snapshot-log';
import { OperatingError } from '@diptych/runtime/failure';
import type { DescribedTable } from '@diptych/snapshot/described-table';
import { quoteIdentifier } from '@diptych/wal/catalogue';
import type { TableName } from './chunk-reader.ts';
import { tableText } from './words.ts';

/** The description of a table that can be read as of one state. Throws OperatingError `snapshot-refused`. */
export function requirePublished(described: DescribedTable | null, table: TableName): DescribedTable {
  if (!described) {
    throw new OperatingError(
      'snapshot-refused',
      `${tableText(table)} is not in the publication of change events`,
      {
        remedy: 'Put it there (`diptych init`, or `alter publication … add table`), then ask again.',
      },
    );
  }
  return described;
}

/**
 * The description of a table that can be read beside the stream, and on after a kill. Throws OperatingError
 * `snapshot-refused`, `snapshot-table-without-key`.
 */
export function requireKey(found: DescribedTable | null, table: TableName): DescribedTable {
  const described = requirePublished(found, table);
  const name = tableText(table);
  if (described.key.length > 0) return described;
  const quoted = `${quoteIdentifier(table.schema)}.${quoteIdentifier(table.name)}`;
  throw new OperatingError('snapshot-table-without-key', `${name} has no key to be read by`, {
    remedy:
      `Add a primary key, or make a unique index of columns that are not null its replica identity ` +
      `(\`alter table ${quoted} replica identity using index …\`), or leave it out (\`snapshot.tables\`).`,
  });
}

/** Whether a table is one that only a single reading can read: without a key, as when it was asked for. */
export const isKeyless = ({ key }: SnapshotTable): boolean => key !== null && key.length === 0;

/** What is left of such a table when that reading ended: nothing tells which rows were read. */
export function brokenOff(table: SnapshotTable): OperatingError {
  const name = tableText(table);
  return new OperatingError(
    'snapshot-table-without-key',
    `${name} has no key to be read on by: ${table.rows} of its rows were published, the others are not read`,
    {
      remedy:
        `Add a primary key, or a unique replica identity, and run \`diptych snapshot --table ${name}\`; or begin anew with ` +
        'a new slot and prefix.',
    },
  );
}

/** Whether there is no such table in the publication (any more): nobody can read it, whoever asked for it. */
export const isGone = ({ code }: OperatingError): boolean => code === 'snapshot-refused';

/** Whether this is wrong with one table, and with nothing else: not a server that is away. */
export const notReadable = (error: unknown): error is OperatingError =>
  error instanceof OperatingError && error.retry === 'operator';
