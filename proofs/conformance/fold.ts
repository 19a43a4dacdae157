/** All change events of a table, folded by key as a compacted topic would be, have to be the table. */
import pg from 'pg';
import { isObject, type Observed } from './observed.ts';
import type { DatabaseAccount, Value } from './oracle.ts';
import { pgLiteral } from './pg-literal.ts';
import type { Session } from './session.ts';

interface FoldedTable {
  readonly relation: string;
  readonly topic: string;
  readonly columns: readonly string[];
  readonly types: readonly string[];
  readonly key: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

type Row = Readonly<Record<string, unknown>>;

/** What each topic's records leave: the rows by their key. */
export function fold(records: readonly Observed[]): Map<string, Map<string, Row>> {
  const tables = new Map<string, Map<string, Row>>();
  for (const { topic, key, value } of records) {
    if (!isObject(value) || !isObject(value.source)) continue;
    const rows = tables.get(topic) ?? new Map<string, Row>();
    tables.set(topic, rows);
    const place = JSON.stringify(key, bigints);
    if (value.op === 't') rows.clear();
    else if (value.op === 'd') rows.delete(place);
    else if (isObject(value.after))
      rows.set(place, { ...unchangedOf(rows.get(place), value), ...value.after });
  }
  return tables;
}

const isRowWithoutKey = ({ key, value }: Observed): boolean =>
  key === null && isObject(value) && isObject(value.source) && value.op !== 't';

const bigints = (_name: string, value: unknown): unknown =>
  typeof value === 'bigint' ? value.toString() : value;

/** Of the row that was there, the columns that the event says it left as they were. */
function unchangedOf(row: Row | undefined, { unchanged }: Record<string, unknown>): Row {
  if (row === undefined || !Array.isArray(unchanged)) return {};
  return Object.fromEntries(Object.entries(row).filter(([column]) => unchanged.includes(column)));
}

/** Where the folded records are not the tables that are there now; `values` are still to be judged. */
export async function compareFold(
  records: readonly Observed[],
  { session, account }: { session: Session; account: DatabaseAccount },
): Promise<{ wrong: string[]; values: Value[] }> {
  const folded = fold(records);
  // A table that had no key for a while: what was written then is under no key.
  const keyless = new Set(records.filter(isRowWithoutKey).map(({ topic }) => topic));
  const wrong: string[] = [];
  const values: Value[] = [];
  for (const table of await readTables(session)) {
    const wasRenamed = account.noted.some(
      ({ relation, topic }) => relation === table.relation && topic !== table.topic,
    );
    if (keyless.has(table.topic) || wasRenamed) continue;
    const rows = folded.get(table.topic) ?? new Map<string, Row>();
    if (![...rows.keys()].every((place) => hasKey(place, table.key))) continue;
    const byKey = new Map([...rows.values()].map((row) => [foldedKey(table, row), row]));
    if (rows.size !== table.rows.length) {
      wrong.push(`${table.topic}: the folded records have ${rows.size} rows, the table ${table.rows.length}`);
    }
    for (const row of table.rows) {
      const key = table.key.map((name) => row[table.columns.indexOf(name)]).join('\u0000');
      const ours = byKey.get(key);
      if (ours === undefined) wrong.push(`${table.topic}: the folded records lack the row ${key}`);
      else values.push(...rowValues(table, { row, ours }));
    }
  }
  return { wrong, values };
}

/** Whether a record's key has the columns of the table's key: not when the key was another then, or is one by choice. */
function hasKey(place: string, columns: readonly string[]): boolean {
  const key: unknown = JSON.parse(place);
  return isObject(key) && Object.keys(key).toSorted().join() === columns.toSorted().join();
}

function foldedKey({ key, columns, types }: FoldedTable, row: Row): string {
  return key.map((name) => pgLiteral(row[name], types[columns.indexOf(name)] ?? 'text')).join('\u0000');
}

/** Columns that came after the row's last event are in no event: only what the events name is compared. */
function rowValues(
  { topic, columns, types }: FoldedTable,
  { row, ours }: { row: readonly (string | null)[]; ours: Row },
): Value[] {
  return columns.flatMap((column, index) => {
    if (!Object.hasOwn(ours, column)) return [];
    const type = types[index] ?? 'text';
    const where = `${topic} folded: ${column}`;
    return [{ where, type, expected: row[index] ?? null, literal: pgLiteral(ours[column], type) }];
  });
}

/** The tables that have a key of plain columns, as text. */
async function readTables(session: Session): Promise<FoldedTable[]> {
  const tables = await session.query<{
    schema: string;
    name: string;
    relation: string;
    topic: string;
    columns: string[];
    types: string[];
    key: string[];
  }>(`
    select n.nspname as schema, c.relname as name, c.oid::text as relation,
      regexp_replace(n.nspname || '.' || c.relname, '[^A-Za-z0-9._-]', '_', 'g') as topic,
      array_agg(a.attname::text order by a.attnum) as columns,
      array_agg(format_type(a.atttypid, a.atttypmod) order by a.attnum) as types,
      array_agg(a.attname::text) filter (where a.attnum = any (i.indkey)) as key
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
      join pg_index i on i.indrelid = c.oid and i.indisprimary
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    where c.relkind = 'r' and c.relpersistence = 'p' and n.nspname <> all (array['conformance', 'information_schema'])
      and n.nspname !~ '^pg_' and c.relname not like 'outbox%'
    group by 1, 2, 3, 4`);
  const read: FoldedTable[] = [];
  for (const { schema, name, ...table } of tables) {
    const list = table.columns.map((column) => `${pg.escapeIdentifier(column)}::text`).join(', ');
    const rows = await session.query<{ texts: (string | null)[] }>(
      `select array[${list}]::text[] as texts from ${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`,
    );
    read.push({ ...table, rows: rows.map(({ texts }) => texts) });
  }
  return read;
}
