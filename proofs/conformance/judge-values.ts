/** Postgres judges values: what we published, given back to it as the column's type, has to be the text that the column had. */
import pg from 'pg';
import type { Forms } from './forms.ts';
import { bytesOf, pgLiteral } from './pg-literal.ts';
import type { Session } from './session.ts';

export interface Value {
  /** Where it stands, in words. */
  readonly where: string;
  /** As Postgres writes it, without domains. */
  readonly type: string;
  readonly expected: string | null;
  readonly literal: string | null;
}

/** A column of a row of ours, beside the text that the column had. */
export interface ColumnValue {
  readonly where: string;
  readonly type: string;
  readonly ours: unknown;
  readonly text: string | null;
}

/** What is to be judged of a column: what a form gives up (docs/change-events.md, "Modes") is not asked for. */
export function judgedValue({ where, type, ours, text }: ColumnValue, forms: Forms): Value {
  // Which types the reference does not know is asked of it; here of the text alone.
  if (forms.unknownTypes === 'bytes' && typeof ours === 'string' && isBytesOf(ours, { text, forms }))
    return { where, type, expected: text, literal: text };
  const literal = pgLiteral(ours, type, forms);
  const isFull = forms.shapes === 'exact' || text === null || literal === null;
  if (isFull) return { where, type, expected: text, literal };
  // Debezium's form of a polygon does not tell one that ends where it began.
  if (/^polygon/.test(type)) return { where, type, expected: text, literal: text };
  const withoutBounds = type.endsWith('[]') ? text.replace(/^[[\]\d:-]+=/, '') : text;
  return { where, type, expected: withoutBounds, literal };
}

const isBytesOf = (ours: string, { text, forms }: { text: string | null; forms: Forms }): boolean =>
  bytesOf(ours, forms.binary).toString() === text;

export interface Reading {
  readonly session: Session;
  readonly forms: Forms;
}

/** Those that Postgres does not take for what the column was. Asked only where the text itself is not the same. */
export async function judgeValues(values: readonly Value[], reading: Reading): Promise<string[]> {
  const open = values.filter(({ expected, literal }) => expected !== literal);
  const wrong: string[] = [];
  for (const [type, some] of Map.groupBy(open, (value) => value.type)) {
    const literals = new Set(some.flatMap(({ literal, expected }) => [literal ?? [], expected ?? []].flat()));
    const texts = await canonicalTexts([...literals], { ...reading, type });
    const read = (text: string | null): string | null => (text === null ? null : (texts.get(text) ?? null));
    for (const { where, expected, literal } of some) {
      const got = read(literal);
      const was = read(expected);
      // The type is another one now, as a composite with a field more: nobody can tell.
      if (got === was || was?.startsWith(unreadable)) continue;
      const said = got === literal ? '' : `, which Postgres reads as ${got}`;
      wrong.push(`${where} (${type}) is ${brief(literal)}${brief(said)}; it was ${brief(expected)}`);
    }
  }
  return wrong;
}

/**
 * The text that Postgres gives for each literal of a type; what it says of one that it does not accept. Of a type that is
 * there no more the literals themselves: nobody can tell.
 */
export async function canonicalTexts(
  literals: readonly string[],
  { session, forms, type }: Reading & { readonly type: string },
): Promise<Map<string, string>> {
  try {
    const rows = await session.query<{ literal: string; text: string }>(
      `select literal, (${readingOf(type, forms)})::text as text from unnest($1::text[]) literal`,
      [literals],
    );
    return new Map(rows.map(({ literal, text }) => [literal, text]));
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === undefinedObject) {
      return new Map(literals.map((literal) => [literal, '(a type that was dropped)']));
    }
    const [only] = literals;
    if (literals.length === 1 && only !== undefined) {
      return new Map([[only, `${unreadable} ${error instanceof Error ? error.message : String(error)})`]]);
    }
    const middle = Math.ceil(literals.length / 2);
    const texts = new Map<string, string>();
    for (const half of [literals.slice(0, middle), literals.slice(middle)]) {
      for (const [literal, text] of await canonicalTexts(half, { session, forms, type }))
        texts.set(literal, text);
    }
    return texts;
  }
}

/** Begins what stands for the text of a literal that the type does not take (any more). */
const unreadable = '(unreadable:';

/** https://www.postgresql.org/docs/18/errcodes-appendix.html: undefined_object */
const undefinedObject = '42704';

/** How Postgres is asked for a value's text: both for ours and for what it was, so what a form cannot tell is not asked. */
function readingOf(type: string, forms: Forms): string {
  const lossy = lossyReading(type.replace(/\[\]$/, ''), forms);
  if (lossy === undefined) return `literal::${type}`;
  // Of µs an interval of years and months keeps nothing.
  if (/^interval/.test(type)) return readingOfAll(lossy, type.replace(/^interval[^[]*/, 'interval'));
  return readingOfAll(lossy, type);
}

function readingOfAll(lossy: (value: string) => string, type: string): string {
  if (!type.endsWith('[]')) return lossy(`(literal::${type})`);
  return `array(select ${lossy('one')} from unnest(literal::${type}) one)`;
}

/** Of a time with its zone, the time in UTC is what is published. Others by their mode. */
function lossyReading(type: string, forms: Forms): ((value: string) => string) | undefined {
  const { decimals, times, intervals, bits } = forms;
  if (/^time(\(\d\))? with time zone/.test(type)) return (value) => `${value} at time zone 'UTC'`;
  if (/^numeric/.test(type) && decimals === 'double') return (value) => `${value}::float8`;
  // Trailing zeros are given up where the type does not say how many there are.
  if (/^numeric/.test(type) && decimals === 'precise') return (value) => `trim_scale(${value})`;
  if (/^interval/.test(type) && intervals === 'numeric') return microseconds;
  if (/^bit varying/.test(type) && bits === 'bytes') return (value) => `ltrim(${value}::text, '0')`;
  if (times !== 'connect') return undefined;
  if (/^time\b/.test(type)) return (value) => `date_trunc('milliseconds', ${value}::interval)`;
  if (/^timestamp(\(\d\))? without/.test(type)) return (value) => `date_trunc('milliseconds', ${value})`;
  return undefined;
}

/** A month counted as 30.4375 days, in µs: docs/change-events.md. */
function microseconds(interval: string): string {
  const part = (field: string, us: string) => `extract(${field} from ${interval}) * ${us}::numeric`;
  return [
    part('year', '31557600000000'),
    part('month', '2629800000000'),
    part('day', '86400000000'),
    part('hour', '3600000000'),
    part('minute', '60000000'),
    `trunc(${part('second', '1000000')})`,
  ].join(' + ');
}

const shownMax = 120;

export function brief(text: string | null): string | null {
  return text !== null && text.length > shownMax ? `${text.slice(0, shownMax)}…` : text;
}
