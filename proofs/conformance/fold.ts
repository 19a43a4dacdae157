/** All change events of a table, folded by key as a compacted topic would be, have to be the table. */
import pg from 'pg';
import type { Forms } from './forms.ts';
import { canonicalTexts, judgedValue, type Value } from './judge-values.ts';
import { isObject, type Observed } from './observed.ts';
import type { DatabaseAccount, JudgeOptions } from './oracle.ts';
import { pgLiteral } from './pg-literal.ts';
import { isPlaceholder } from './placeholder.ts';
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
      rows.set(place, { ...value.after, ...unchangedOf(rows.get(place), value) });
  }
  return tables;
}

const isRowWithoutKey = ({ key, value }: Observed): boolean =>
  key === null && isObject(value) && isObject(value.source) && value.op !== 't';

const bigints = (_name: string, value: unknown): unknown =>
  typeof value === 'bigint' ? value.toString() : value;

/** Of the row that was there, the columns that the event says it left as they were. */
function unchangedOf(row: Row | undefined, { unchanged, after }: Record<string, unknown>): Row {
  if (row === undefined) return {};
  const named: readonly unknown[] = Array.isArray(unchanged) ? unchanged : [];
  const isKept = (column: string) =>
    named.includes(column) ||
    (isObject(after) && Object.hasOwn(after, column) && isPlaceholder(after[column]));
  return Object.fromEntries(Object.entries(row).filter(([column]) => isKept(column)));
}

/** Where the folded records are not the tables that are there now; `values` are still to be judged. */
export async function compareFold(
  records: readonly Observed[],
  options: JudgeOptions,
): Promise<{ wrong: string[]; values: Value[] }> {
  const { session, account, forms } = options;
  const folded = fold(records);
  const wrong: string[] = [];
  const values: Value[] = [];
  for (const table of await readTables(session)) {
    const { topic } = table;
    const rows = folded.get(topic) ?? new Map<string, Row>();
    if (cannotBeFolded(table, { records, options })) continue;
    if (![...rows.keys()].every((place) => hasKey(place, table.key))) continue;
    const isWhole = !options.partial.has(topic) && !options.parked.some((one) => one.topic === topic);
    if (isWhole && rows.size !== table.rows.length) {
      wrong.push(`${topic}: the folded records have ${rows.size} rows, the table ${table.rows.length}`);
    }
    const keys = await Keys.of(table, { rows: [...rows.values()], options });
    const byKey = new Map([...rows.values()].map((row) => [keys.ofRecord(row), row]));
    const changed = columnsOfOtherTypes(table, account);
    for (const row of table.rows) {
      const key = keys.ofTable(row);
      const ours = byKey.get(key);
      if (ours !== undefined) values.push(...rowValues(table, { row, ours, account, forms, changed }));
      else if (isWhole) wrong.push(`${topic}: the folded records lack the row ${key}`);
    }
  }
  return { wrong, values };
}

/**
 * A table that had no key for a while: what was written then is under no key. Under another name: in another topic. Where
 * a table had the name before: its rows went without a record. The same of a TRUNCATE that is not published.
 */
function cannotBeFolded(
  table: FoldedTable,
  { records, options }: { records: readonly Observed[]; options: JudgeOptions },
): boolean {
  const { relation, topic } = table;
  const here = records.filter((record) => record.topic === topic);
  if (here.some(isRowWithoutKey)) return true;
  const { noted } = options.account;
  if (noted.some((note) => (note.relation === relation) !== (note.topic === topic))) return true;
  const isTruncated = noted.some((note) => note.topic === topic && note.operation === 'TRUNCATE');
  return isTruncated && !here.some(({ value }) => isObject(value) && value.op === 't');
}

/** A column that is of another type now: rows that were not written since have its value as it was. */
function columnsOfOtherTypes(table: FoldedTable, { noted }: DatabaseAccount): ReadonlySet<string> {
  const types = new Map(table.columns.map((column, index) => [column, table.types[index]]));
  const others = noted
    .filter(({ relation }) => relation === table.relation)
    .flatMap((note) => note.columns.filter((column, index) => types.get(column) !== note.types[index]));
  return new Set(others);
}

/** Keys of both as Postgres writes them: `2016-11-04Z` and `2016-11-04` are one day. */
class Keys {
  readonly #columns: readonly { readonly index: number; readonly name: string; readonly type: string }[];
  readonly #forms: Forms;
  /** By column, then by literal. */
  readonly #texts = new Map<string, ReadonlyMap<string, string>>();

  private constructor(table: FoldedTable, { account, forms }: JudgeOptions) {
    this.#forms = forms;
    this.#columns = table.key.map((name) => {
      const index = table.columns.indexOf(name);
      return { index, name, type: account.baseOf(table.types[index] ?? 'text') };
    });
  }

  static async of(
    table: FoldedTable,
    { rows, options }: { rows: readonly Row[]; options: JudgeOptions },
  ): Promise<Keys> {
    const keys = new Keys(table, options);
    for (const { index, name, type } of keys.#columns) {
      const ours = rows.map((row) => pgLiteral(row[name], type, keys.#forms));
      const theirs = table.rows.map((row) => row[index] ?? null);
      const literals = new Set([...ours, ...theirs].filter((text) => text !== null));
      keys.#texts.set(name, await canonicalTexts([...literals], { ...options, type }));
    }
    return keys;
  }

  ofRecord(row: Row): string {
    return this.#join(({ name, type }) => pgLiteral(row[name], type, this.#forms));
  }

  ofTable(row: FoldedTable['rows'][number]): string {
    return this.#join(({ index }) => row[index] ?? null);
  }

  #join(textOf: (column: { index: number; name: string; type: string }) => string | null): string {
    const parts = this.#columns.map((column) => {
      const text = textOf(column) ?? '';
      return this.#texts.get(column.name)?.get(text) ?? text;
    });
    return parts.join('\u0000');
  }
}

/** Whether a record's key has the columns of the table's key: not when the key was another then, or is one by choice. */
function hasKey(place: string, columns: readonly string[]): boolean {
  const key: unknown = JSON.parse(place);
  return isObject(key) && Object.keys(key).toSorted().join() === columns.toSorted().join();
}

interface RowOfBoth {
  readonly row: FoldedTable['rows'][number];
  readonly ours: Row;
  readonly account: DatabaseAccount;
  readonly forms: Forms;
  readonly changed: ReadonlySet<string>;
}

/** Columns that came after the row's last event are in no event: only what the events name is compared. */
function rowValues(
  { topic, columns, types }: FoldedTable,
  { row, ours, account, forms, changed }: RowOfBoth,
): Value[] {
  return columns.flatMap((column, index) => {
    if (!Object.hasOwn(ours, column) || changed.has(column) || isPlaceholder(ours[column])) return [];
    const where = `${topic} folded: ${column}`;
    const type = account.baseOf(types[index] ?? 'text');
    return [judgedValue({ where, type, ours: ours[column], text: row[index] ?? null }, forms)];
  });
}

/** The tables that have a key of plain columns, as text. */
async function readTables(session: Session): Promise<FoldedTable[]> {
  type Description = Omit<FoldedTable, 'rows'> & { readonly schema: string; readonly name: string };
  const tables = await session.query<Description>('select * from conformance.tables()');
  const read: FoldedTable[] = [];
  for (const { schema, name, ...table } of tables) {
    const list = table.columns.map((column) => `${pg.escapeIdentifier(column)}::text`).join(', ');
    const rows = await session.query<{ texts: (string | null)[] }>(
      `select array[${list}]::text[] as texts from only ${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`,
    );
    read.push({ ...table, rows: rows.map(({ texts }) => texts) });
  }
  return read;
}
