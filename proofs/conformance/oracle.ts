/**
 * The database as the first judge: each value that we published, given back to Postgres as the column's type, has to be
 * the text that the column had in the statement's own transaction (oracle.sql); and all change events of a table, folded,
 * have to be the table.
 */
import { referenceKnows } from './declaration.ts';
import { compareFold } from './fold.ts';
import type { ModeName } from './modes.ts';
import { isObject, type Observed } from './observed.ts';
import { pgLiteral } from './pg-literal.ts';
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
}

export interface DatabaseAccount {
  readonly noted: readonly Noted[];
}

/** What the database says of everything since the last case. */
export async function askDatabase(session: Session): Promise<DatabaseAccount> {
  const noted = await session.query<Noted & Record<string, unknown>>(
    `select xid::text, operation, relation::text, regexp_replace(schema_name || '.' || table_name, '[^A-Za-z0-9._-]', '_', 'g') as topic,
       columns, types, before, after from conformance.noted order by place`,
  );
  return { noted };
}

export interface Value {
  /** Where it stands, in words. */
  readonly where: string;
  readonly type: string;
  readonly expected: string | null;
  readonly literal: string | null;
}

/**
 * Where our records are not what the database says, in words. In the debezium mode, whose values cannot be read without
 * their schema, which changes there were, which columns, and which of them were null.
 */
export async function judge(
  records: readonly Observed[],
  { session, account, mode }: { session: Session; account: DatabaseAccount; mode: ModeName },
): Promise<string[]> {
  const wrong: string[] = [];
  const values: Value[] = [];
  const byTable = Map.groupBy(account.noted, ({ topic, xid }) => `${topic} ${xid}`);
  const events = records.filter(({ value }) => isObject(value) && isObject(value.source));
  const ours = Map.groupBy(events, ({ topic, value }) => `${topic} ${transactionOf(value)}`);
  for (const [place, noted] of byTable) {
    const got = [...(ours.get(place) ?? [])];
    for (const note of noted) {
      if (note.operation === 'TRUNCATE') {
        if (operationOf(got[0]) === 't') got.shift();
        continue;
      }
      compareChange(note, { got, wrong, values, mode });
    }
    if (got.length > 0)
      wrong.push(`${place}: ${got.length} change events that the database knows nothing of`);
    ours.delete(place);
  }
  for (const [place, got] of ours) {
    if (got.some((record) => !['m', 't'].includes(operationOf(record))))
      wrong.push(`${place}: change events of a transaction that the database knows nothing of`);
  }
  if (mode === 'debezium') return [...wrong, ...values.filter(isNullForAValue).map(describeNull)];
  const folded = await compareFold(records, { session, account });
  return [...wrong, ...folded.wrong, ...(await judgeValues([...values, ...folded.values], session))];
}

const isNullForAValue = ({ expected, literal }: Value): boolean => (expected === null) !== (literal === null);

const describeNull = ({ where, type, expected, literal }: Value): string =>
  `${where} (${type}) is ${brief(literal)}; it was ${brief(expected)}`;

/** The type of a column as the database noted it last, by topic and column. */
export function columnTypes({ noted }: DatabaseAccount): ReadonlyMap<string, string> {
  return new Map(
    noted.flatMap(({ topic, columns, types }) =>
      columns.map((column, index) => [`${topic} ${column}`, types[index] ?? ''] as const),
    ),
  );
}

const transactionOf = (value: unknown): string =>
  isObject(value) && isObject(value.source) ? String(value.source.txId) : '';

const operationOf = (record: Observed | undefined): string =>
  isObject(record?.value) ? String(record.value.op) : '';

interface Findings {
  readonly mode: ModeName;
  readonly got: Observed[];
  readonly wrong: string[];
  readonly values: Value[];
}

/** Takes the events of one row change off `got`, and what is to be judged of them. */
function compareChange(note: Noted, { got, wrong, values, mode }: Findings): void {
  const event = got.shift();
  const where = `${note.topic} ${note.operation} in ${note.xid}`;
  const op = operationOf(event);
  const expectedOps = { INSERT: ['c'], UPDATE: ['u', 'd'], DELETE: ['d'], TRUNCATE: ['t'] }[note.operation];
  if (event === undefined || !expectedOps.includes(op)) {
    wrong.push(`${where}: ${event === undefined ? 'no change event' : `a change event ${op}`}`);
    return;
  }
  const envelope = isObject(event.value) ? event.value : {};
  if (note.before !== null && isObject(envelope.before)) {
    collect(note, { image: envelope.before, texts: note.before, where: `${where}: before` }, values);
  }
  // A key change: the delete is followed by the row under its new key.
  const last = note.operation === 'UPDATE' && op === 'd' ? got.shift() : event;
  if (note.after === null) return;
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
      // In the debezium mode columns of types that it does not know are left out, as it does.
      (mode === 'exact' || referenceKnows.test(note.types[index] ?? '')),
  );
  if (lacking.length > 0) wrong.push(`${where}: after lacks ${lacking.join(', ')}`);
  collect(note, { image: after.after, texts: note.after, where: `${where}: after` }, values);
}

function collect(
  note: Noted,
  {
    image,
    texts,
    where,
  }: { image: Record<string, unknown>; texts: readonly (string | null)[]; where: string },
  values: Value[],
): void {
  for (const [index, column] of note.columns.entries()) {
    if (!Object.hasOwn(image, column)) continue;
    const type = note.types[index] ?? 'text';
    const expected = texts[index] ?? null;
    values.push({ where: `${where}.${column}`, type, expected, literal: pgLiteral(image[column], type) });
  }
}

/** Those that Postgres does not take for what the column was. Asked only where the text itself is not the same. */
async function judgeValues(values: readonly Value[], session: Session): Promise<string[]> {
  const open = values.filter(({ expected, literal }) => expected !== literal);
  const wrong: string[] = [];
  for (const [type, some] of Map.groupBy(open, (value) => value.type)) {
    const literals = new Set(some.flatMap(({ literal, expected }) => [literal ?? [], expected ?? []].flat()));
    const texts = await asTexts(session, { literals: [...literals], type });
    const read = (text: string | null): string | null => (text === null ? null : (texts.get(text) ?? null));
    for (const { where, expected, literal } of some) {
      const got = read(literal);
      if (got === read(expected)) continue;
      const reading = got === literal ? '' : `, which Postgres reads as ${got}`;
      wrong.push(`${where} (${type}) is ${brief(literal)}${brief(reading)}; it was ${brief(expected)}`);
    }
  }
  return wrong;
}

/** How Postgres is asked for a value's text. Of a time with its zone, the time in UTC is what is published. */
function readingOf(type: string): string {
  if (!/^time(\(\d\))? with time zone/.test(type)) return `(literal::${type})`;
  if (!type.endsWith('[]')) return `((literal::${type}) at time zone 'UTC')`;
  return `array(select one at time zone 'UTC' from unnest(literal::${type}) one)`;
}

const shownMax = 120;

function brief(text: string | null): string | null {
  return text !== null && text.length > shownMax ? `${text.slice(0, shownMax)}…` : text;
}

/** The text that Postgres gives for each literal of a type; what it says of one that it does not accept. */
async function asTexts(
  session: Session,
  { literals, type }: { literals: readonly string[]; type: string },
): Promise<Map<string, string>> {
  try {
    const rows = await session.query<{ literal: string; text: string }>(
      `select literal, ${readingOf(type)}::text as text from unnest($1::text[]) literal`,
      [literals],
    );
    return new Map(rows.map(({ literal, text }) => [literal, text]));
  } catch (error) {
    const [only] = literals;
    if (literals.length === 1 && only !== undefined) {
      return new Map([[only, `(${error instanceof Error ? error.message : String(error)})`]]);
    }
    const middle = Math.ceil(literals.length / 2);
    const halves = [literals.slice(0, middle), literals.slice(middle)];
    const texts = new Map<string, string>();
    for (const half of halves) {
      for (const [literal, text] of await asTexts(session, { literals: half, type }))
        texts.set(literal, text);
    }
    return texts;
  }
}
