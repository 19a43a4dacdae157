/** The SQL that reads a chunk: rows in the order of their key, behind the last one that was read. */
import type { DescribedTable } from './described-table.ts';

/** How names and values become SQL, hostile ones too. */
export interface Quoting {
  readonly identifier: (name: string) => string;
  readonly literal: (text: string) => string;
}

/**
 * Values come in their types' own text, as the stream has them. A row comparison follows the index, whatever its columns;
 * a literal has the type of the column that it is compared with. A table without a key has no order: its rows come as they lie.
 * https://www.postgresql.org/docs/18/functions-comparisons.html#ROW-WISE-COMPARISON
 */
export function chunkSql(
  { relation, key, isPartitioned, rowFilter }: DescribedTable,
  {
    after,
    where,
    rows,
    quoting: { identifier, literal },
  }: {
    after: readonly string[] | null;
    where: string | null;
    /** At most; null: all. */
    rows: number | null;
    quoting: Quoting;
  },
): string {
  const keys = key.map(identifier);
  const conditions = [
    ...(after ? [`(${keys.join(', ')}) > (${after.map(literal).join(', ')})`] : []),
    ...(rowFilter === null ? [] : [`(${rowFilter})`]),
  ];
  // Tables that inherit are published by themselves.
  const table = `${isPartitioned ? '' : 'only '}${identifier(relation.schema)}.${identifier(relation.table)}`;
  // Apart from the others, which it cannot lift; a comment in it must not hide the rest.
  const wanted = where === null ? table : `(select * from ${table} where (${where}\n)) as wanted`;
  return [
    `select ${relation.columns.map(({ name }) => identifier(name)).join(', ')}`,
    `from ${wanted}`,
    ...(conditions.length > 0 ? [`where ${conditions.join(' and ')}`] : []),
    ...(keys.length > 0 ? [`order by ${keys.join(', ')}`] : []),
    ...(rows === null ? [] : [`limit ${rows}`]),
  ].join('\n');
}
