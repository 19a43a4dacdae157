/** Which tables are meant: by patterns of the configuration, or by names that somebody gave. */
import { OperatingError } from '@diptych/runtime/failure';
import type { AskedTable } from '@diptych/snapshot/log';
import type { Catalogue } from '@diptych/wal/catalogue';
import { type Configuration, matches } from '../configuration.ts';
import { outboxTables } from '../outboxes.ts';
import type { TableName } from './chunk-reader.ts';
import { tableText } from './words.ts';

/** The tables of the change publication, a partitioned one by what the publication sends. Throws OperatingError. */
async function publishedTables(catalogue: Catalogue, publication: string): Promise<TableName[]> {
  return await catalogue.query<{ schema: string; name: string }>(
    `select schemaname as schema, tablename as name from pg_publication_tables where pubname = $1 order by 1, 2`,
    [publication],
  );
}

/**
 * Those that the configuration selects. An outbox table is no business table unless it is named in full. Throws
 * OperatingError, `configuration-invalid` for a setting that fits no table.
 */
export async function configuredTables(
  catalogue: Catalogue,
  configuration: Configuration,
): Promise<AskedTable[]> {
  const published = await publishedTables(catalogue, configuration.change.publication);
  return selectTables(configuration.snapshot, { published, outboxes: outboxTables(configuration) });
}

/** The same, of tables that are known. */
export function selectTables(
  { tables, where }: Pick<Configuration['snapshot'], 'tables' | 'where'>,
  { published, outboxes }: { published: readonly TableName[]; outboxes: readonly string[] },
): AskedTable[] {
  const fits = (text: string, pattern: string) =>
    text === pattern || (!outboxes.includes(text) && matches(text, [pattern]));
  const texts = published.map(tableText);
  const selected = texts.map((text) => tables.some((pattern) => fits(text, pattern)));
  const isSelected = (text: string) => texts.some((one, index) => one === text && selected[index]);
  const problems = [
    // All tables are all tables, also when there is none yet.
    ...tables.flatMap((pattern, index) =>
      pattern === '*.*' || texts.some((text) => fits(text, pattern))
        ? []
        : [`snapshot.tables[${index}]: ${pattern} fits no table of the publication`],
    ),
    ...where.flatMap(({ table }, index) => {
      const field = `snapshot.where[${index}].table: ${table}`;
      if (!isSelected(table)) return [`${field} is no table that snapshot.tables selects`];
      const isTwice = where.findIndex((one) => one.table === table) < index;
      return isTwice ? [`${field} is there twice`] : [];
    }),
  ];
  if (problems.length > 0)
    throw new OperatingError('configuration-invalid', problems.join('; '), {
      remedy:
        'Correct the settings named (docs/snapshots.md), or put the table into the publication. Of a partitioned table name ' +
        'what is published: its partitions, or with `change.partitions: root` itself.',
    });
  return published
    .filter((_, index) => selected[index])
    .map((table) => ({
      ...table,
      where: where.find((one) => one.table === tableText(table))?.condition ?? null,
    }));
}

/** Those that are named, `schema.table`; a partitioned table is its partitions. Throws OperatingError `snapshot-refused`. */
export async function namedTables(
  catalogue: Catalogue,
  { publication, names }: { publication: string; names: readonly string[] },
): Promise<TableName[]> {
  const published = await publishedTables(catalogue, publication);
  const partitions = await catalogue.query<{ root: string; leaf: string }>(
    `select n.nspname || '.' || c.relname as root, ln.nspname || '.' || l.relname as leaf
     from pg_class c join pg_namespace n on n.oid = c.relnamespace,
       pg_partition_tree(c.oid) t join pg_class l on l.oid = t.relid join pg_namespace ln on ln.oid = l.relnamespace
     where c.relkind = 'p' and t.isleaf and n.nspname || '.' || c.relname = any($1)`,
    [names],
  );
  return names.flatMap((name) => {
    const leaves = new Set(partitions.filter(({ root }) => root === name).map(({ leaf }) => leaf));
    const found = published.filter((table) => tableText(table) === name || leaves.has(tableText(table)));
    if (found.filter((table) => tableText(table) === name).length > 1) throw ambiguous(name);
    if (found.length > 0) return found;
    throw new OperatingError('snapshot-refused', `${name} is not in the publication ${publication}`, {
      remedy: 'Name it as `schema.table`, and put it into the publication (`diptych init`) first.',
    });
  });
}

/** Names may have dots in them. */
const ambiguous = (name: string): OperatingError =>
  new OperatingError(
    'snapshot-refused',
    `${name} is the name of two tables, in schemas with and without a dot`,
    {
      remedy: 'Rename one of them, or take it out of the publication: their changes share a topic.',
    },
  );
