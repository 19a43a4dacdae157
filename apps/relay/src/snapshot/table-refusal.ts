/** Why a table cannot be read, with the way out. */
import { OperatingError } from '@diptych/runtime/failure';
import type { DescribedTable } from '@diptych/snapshot/described-table';
import { quoteIdentifier } from '@diptych/wal/catalogue';
import type { TableName } from './chunk-reader.ts';
import { tableText } from './words.ts';

/** The description of a table that can be read. Throws OperatingError `snapshot-refused`, `snapshot-table-without-key`. */
export function requireKey(described: DescribedTable | null, table: TableName): DescribedTable {
  const name = tableText(table);
  if (!described) {
    throw new OperatingError('snapshot-refused', `${name} is not in the publication of change events`, {
      remedy: 'Put it there (`diptych init`, or `alter publication … add table`), then ask again.',
    });
  }
  if (described.key.length > 0) return described;
  const quoted = `${quoteIdentifier(table.schema)}.${quoteIdentifier(table.name)}`;
  throw new OperatingError('snapshot-table-without-key', `${name} has no key to be read by`, {
    remedy:
      `Add a primary key, or make a unique index of columns that are not null its replica identity ` +
      `(\`alter table ${quoted} replica identity using index …\`), or leave it out (\`snapshot.tables\`).`,
  });
}

/** Whether there is no such table in the publication (any more): nobody can read it, whoever asked for it. */
export const isGone = ({ code }: OperatingError): boolean => code === 'snapshot-refused';

/** Whether this is wrong with one table, and with nothing else: not a server that is away. */
export const notReadable = (error: unknown): error is OperatingError =>
  error instanceof OperatingError && error.retry === 'operator';
