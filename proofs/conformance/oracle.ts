/**
 * The database as the first judge: each value that we published, given back to Postgres as the column's type, has to be
 * the text that the column had in the statement's own transaction (oracle.sql); and all change events of a table, folded,
 * have to be the table.
 */

import { show } from './compare.ts';
import { referenceKnows } from './declaration.ts';
import { compareFold } from './fold.ts';
import type { Forms } from './forms.ts';
import { judgedValue, judgeValues, type Value } from './judge-values.ts';
import { isObject, isParked, isReadRow, type Observed } from './observed.ts';
import { inOrderOf } from './order-of-notes.ts';
import { isPlaceholder } from './placeholder.ts';
import type { Session } from './session.ts';

export interface Noted {
  readonly xid: string;
  readonly operation: 'INSERT' | 'UPDATE' | 'DELETE' | 'TRUNCATE';
  /** Its oid, which stays when it is renamed. */
  readonly relation: string;
  readonly topic: string;
  readonly columns: readonly string[];
  readonly types: readonly string[];
  readonly before: readonly (string | null)[] | null;
  readonly after: readonly (string | null)[] | null;
  /** The columns of the replica identity at that moment: none of a deferrable key; null where there is none, and with FULL. */
  readonly key: readonly string[] | null;
  readonly primaryKey: readonly string[] | null;
}

export interface DatabaseAccount {
  readonly noted: readonly Noted[];
  /** The type that values have: of a domain what it is over, of any other the type itself. */
  readonly baseOf: (type: string) => string;
  /** The primary keys that the noted tables have now, by their oids; null of one that has none, or is dropped. */
  readonly keysNow: ReadonlyMap<string, readonly string[] | null>;
}

/** What the database says of everything since the last case. */
export async function askDatabase(session: Session): Promise<DatabaseAccount> {
  const noted = await session.query<Noted & Record<string, unknown>>(
    `select xid::text, operation, relation::text, regexp_replace(schema_name || '.' || table_name, '[^A-Za-z0-9._-]', '_', 'g') as topic,
       columns, types, before, after, key, primary_key as "primaryKey" from conformance.noted order by place`,
  );
  const domains = await session.query<{ domain: string; base: string }>(
    'select * from conformance.domains()',
  );
  const bases = new Map(domains.map(({ domain, base }) => [domain, base]));
  const baseOf = (type: string): string => {
    const [, element = type, brackets = ''] = /^(.*?)((?:\[\])*)$/.exec(type) ?? [];
    const base = bases.get(element);
    return base === undefined ? type : baseOf(base) + brackets;
  };
  const keys = await session.query<{ relation: string; primary: string[] | null }>(
    `select relation::text, k.primary_key as primary from (select distinct relation from conformance.noted) n,
       conformance.key_columns(n.relation) k`,
  );
  return { noted, baseOf, keysNow: new Map(keys.map(({ relation, primary }) => [relation, primary])) };
}

export interface JudgeOptions {
  readonly session: Session;
  readonly account: DatabaseAccount;
  readonly forms: Forms;
  /** Tables of which not all rows were there to be published: read in part, or never. */
  readonly partial: ReadonlySet<string>;
  /** Records of change events that were set aside. */
  readonly parked: readonly Observed[];
}

/** Where our records are not what the database says, in words. */
export async function judge(records: readonly Observed[], options: JudgeOptions): Promise<string[]> {
  const { session, account, forms, parked } = options;
  const wrong: string[] = [];
  const values: Value[] = [];
  const byTable = Map.groupBy(account.noted, ({ topic, xid }) => `${topic} ${xid}`);
  const events = records.filter(
    (record) => isObject(record.value) && isObject(record.value.source) && !isReadRow(record),
  );
  const aside = Map.groupBy(parked, ({ topic, place }) => `${topic} ${place?.xid}`);
  const ours = Map.groupBy(events, ({ topic, value }) => `${topic} ${transactionOf(value)}`);
  for (const [place, noted] of byTable) {
    const published = [...(ours.get(place) ?? []), ...(aside.get(place) ?? [])];
    const got = inOrderOf(
      noted,
      published.sort(
        (one, other) => ordinalOf(one) - ordinalOf(other) || Number(isDelete(other)) - Number(isDelete(one)),
      ),
    );
    for (const note of noted) {
      if (note.operation === 'TRUNCATE') {
        if (operationOf(got[0]) === 't') got.shift();
        continue;
      }
      compareChange(note, { got, wrong, values, account, forms });
    }
    if (got.length > 0)
      wrong.push(`${place}: ${got.length} change events that the database knows nothing of`);
    ours.delete(place);
  }
  for (const [place, got] of ours) {
    if (got.some((record) => !['m', 't'].includes(operationOf(record))))
      wrong.push(`${place}: change events of a transaction that the database knows nothing of`);
  }
  const judged = await judgeValues(values, { session, forms });
  return [...wrong, ...judged, ...(await judgeFold(records, options))];
}

/** Where all records of a table, folded, are not the table that is there now. */
export async function judgeFold(records: readonly Observed[], options: JudgeOptions): Promise<string[]> {
  const { wrong, values } = await compareFold(records, options);
  return [...wrong, ...(await judgeValues(values, options))];
}

const transactionOf = (value: unknown): string =>
  isObject(value) && isObject(value.source) ? String(value.source.txId) : '';

const ordinalOf = ({ place }: Observed): number => place?.ordinal ?? 0;

const operationOf = (record: Observed | undefined): string =>
  isObject(record?.value) ? String(record.value.op) : '';

/** The first half of a key change: of one place in the transaction, and of a partition that may be read later. */
const isDelete = (record: Observed): boolean => operationOf(record) === 'd';

interface Findings {
  readonly account: DatabaseAccount;
  readonly forms: Forms;
  readonly got: Observed[];
  readonly wrong: string[];
  readonly values: Value[];
}

const expectedOps = { INSERT: ['c'], UPDATE: ['u', 'd'], DELETE: ['d'], TRUNCATE: ['t'] } as const;

/** Takes the events of one row change off `got`, and what is to be judged of them. */
function compareChange(note: Noted, findings: Findings): void {
  const { got, wrong, forms } = findings;
  const event = got.shift();
  if (event !== undefined && isParked(event)) return;
  const where = `${note.topic} ${note.operation} in ${note.xid}`;
  const op = operationOf(event);
  const expected: readonly string[] = expectedOps[note.operation];
  if (event === undefined || !expected.includes(op)) {
    wrong.push(`${where}: ${event === undefined ? 'no change event' : `a change event ${op}`}`);
    return;
  }
  if (note.key !== null && !isKeyOf(event.key, note.key)) {
    wrong.push(`${where}: the key is ${show(event.key)}; it was of ${note.key.join(', ')}`);
  }
  const envelope = isObject(event.value) ? event.value : {};
  if (note.before !== null && isObject(envelope.before)) {
    collect(note, { image: envelope.before, texts: note.before, where: `${where}: before` }, findings);
  }
  // A key change: the delete is followed by the row under its new key.
  const last = note.operation === 'UPDATE' && op === 'd' ? got.shift() : event;
  if (note.after === null || (last !== undefined && isParked(last))) return;
  const after = isObject(last?.value) ? last.value : {};
  if (!isObject(after.after)) {
    wrong.push(`${where}: no row after`);
    return;
  }
  const unchanged = Array.isArray(after.unchanged) ? after.unchanged : [];
  const lacking = note.columns.filter(
    (column, index) =>
      !Object.hasOwn(after.after as object, column) &&
      !unchanged.includes(column) &&
      // Columns of types that Debezium does not know may be left out, as it does.
      (forms.unknownTypes !== 'omit' || referenceKnows.test(note.types[index] ?? '')),
  );
  if (lacking.length > 0) wrong.push(`${where}: after lacks ${lacking.join(', ')}`);
  collect(note, { image: after.after, texts: note.after, where: `${where}: after` }, findings);
}

const isKeyOf = (key: unknown, columns: readonly string[]): boolean =>
  columns.length === 0
    ? key === null
    : isObject(key) && Object.keys(key).toSorted().join() === columns.toSorted().join();

/**
 * Topics of tables whose key was another for a while, is not their primary key, or is gone with its table: the reference asks
 * the catalogue of now.
 */
export function rekeyedTopics({ noted, keysNow }: DatabaseAccount): ReadonlySet<string> {
  const isRekeyed = (notes: readonly Noted[]): boolean => {
    const forms = notes.flatMap(({ key, primaryKey, relation }) => [
      key ?? primaryKey,
      primaryKey,
      keysNow.get(relation) ?? null,
    ]);
    return new Set(forms.map((columns) => columns?.join() ?? '')).size > 1;
  };
  const byTopic = Map.groupBy(noted, ({ topic }) => topic);
  return new Set([...byTopic].filter(([, notes]) => isRekeyed(notes)).map(([topic]) => topic));
}

interface Image {
  readonly image: Record<string, unknown>;
  readonly texts: readonly (string | null)[];
  readonly where: string;
}

function collect(note: Noted, { image, texts, where }: Image, { values, account, forms }: Findings): void {
  for (const [index, column] of note.columns.entries()) {
    if (!Object.hasOwn(image, column) || isPlaceholder(image[column])) continue;
    const type = account.baseOf(note.types[index] ?? 'text');
    const ours = image[column];
    values.push(judgedValue({ where: `${where}.${column}`, type, ours, text: texts[index] ?? null }, forms));
  }
}
