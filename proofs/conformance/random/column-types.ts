/** Types of random columns: for each, how a value is written as SQL. Ends and oddities come more often than in life. */
import type { Random } from '../../simulate/random.ts';

export interface ColumnType {
  /** As in CREATE TABLE. */
  readonly name: string;
  /** An expression that gives a value; never null. */
  readonly value: (random: Random) => string;
  /** A type that it may be altered to while rows are there. */
  readonly wider?: string;
}

export const pick = <T>(random: Random, list: readonly T[]): T => list[random.whole(0, list.length - 1)] as T;

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const words = [
  '',
  ' ',
  'plain',
  'žluťoučký',
  '😀',
  'NULL',
  "it's",
  'a "b" c',
  'back\\slash',
  '{x,y}',
  'line\nbreak',
  '\t',
];
const word = (random: Random): string => pick(random, words) + random.whole(0, 999);
/** Text that compression does not make small: it is stored out of line. */
const longText = (random: Random): string =>
  `(select string_agg(md5(i::text || '${random.whole(0, 1_000_000)}'), '') from generate_series(1, ${random.whole(80, 400)}) i)`;
const digits = (random: Random, count: number): string =>
  Array.from({ length: count }, () => random.whole(0, 9)).join('');
const sign = (random: Random): string => (random.chance(0.5) ? '-' : '');
const two = (random: Random, max: number, min = 0): string => String(random.whole(min, max)).padStart(2, '0');
const dateOf = (random: Random): string =>
  `${String(random.whole(1, 2400)).padStart(4, '0')}-${two(random, 12, 1)}-${two(random, 28, 1)}`;
const timeOf = (random: Random): string =>
  `${two(random, 23)}:${two(random, 59)}:${two(random, 59)}.${digits(random, pick(random, [1, 3, 6]))}`;
const zone = (random: Random): string =>
  `${pick(random, ['+', '-'])}${two(random, 14)}:${pick(random, ['00', '30', '45'])}`;
const list = (random: Random, value: () => string): string =>
  `array[${Array.from({ length: random.whole(0, 4) }, () => (random.chance(0.15) ? 'null' : value())).join(', ')}]`;

const whole = (bits: number) => (random: Random) => {
  const limit = 2n ** BigInt(bits - 1);
  const ends = [`${-limit}`, `${limit - 1n}`, '0', '1', '-1'];
  return `'${random.chance(0.3) ? pick(random, ends) : `${sign(random)}${random.whole(0, 30_000)}`}'`;
};

const float = (random: Random): string =>
  `'${pick(random, ['NaN', 'Infinity', '-Infinity', '0', '-0', '1e10', '1.5', `${sign(random)}${random.whole(0, 9999)}.${digits(random, 3)}`])}'`;

export const columnTypes: readonly ColumnType[] = [
  { name: 'smallint', value: whole(16), wider: 'integer' },
  { name: 'integer', value: whole(32), wider: 'bigint' },
  { name: 'bigint', value: whole(64), wider: 'numeric' },
  {
    name: 'numeric',
    value: (random) =>
      `'${sign(random)}${digits(random, random.whole(1, 30))}.${digits(random, random.whole(1, 12))}'`,
  },
  {
    name: 'numeric(12,3)',
    value: (random) => `'${sign(random)}${random.whole(0, 99_999_999)}.${digits(random, 3)}'`,
  },
  { name: 'real', value: float },
  { name: 'double precision', value: float },
  { name: 'boolean', value: (random) => String(random.chance(0.5)) },
  { name: 'text', value: (random) => (random.chance(0.15) ? longText(random) : quote(word(random))) },
  { name: 'varchar(40)', value: (random) => quote(word(random)), wider: 'text' },
  { name: 'char(24)', value: (random) => quote(word(random)) },
  {
    name: 'bytea',
    value: (random) =>
      random.chance(0.1)
        ? `convert_to(${longText(random)}, 'UTF8')`
        : `decode('${digits(random, 2 * random.whole(0, 12))}', 'hex')`,
  },
  { name: 'date', value: (random) => quote(dateOf(random)) },
  { name: 'time', value: (random) => (random.chance(0.1) ? "'24:00:00'" : quote(timeOf(random))) },
  { name: 'time(3)', value: (random) => quote(timeOf(random)) },
  { name: 'timetz', value: (random) => quote(timeOf(random) + zone(random)) },
  { name: 'timestamp', value: (random) => quote(`${dateOf(random)} ${timeOf(random)}`) },
  { name: 'timestamp(3)', value: (random) => quote(`${dateOf(random)} ${timeOf(random)}`) },
  { name: 'timestamptz', value: (random) => quote(`${dateOf(random)} ${timeOf(random)}${zone(random)}`) },
  {
    name: 'interval',
    value: (random) =>
      quote(
        `${sign(random)}${random.whole(0, 99)} years ${sign(random)}${random.whole(0, 11)} months ${sign(random)}${random.whole(0, 40)} days ${sign(random)}${timeOf(random)}`,
      ),
  },
  { name: 'uuid', value: (random) => `md5('${digits(random, 12)}')::uuid` },
  {
    name: 'json',
    value: (random) => `'{"n": ${digits(random, 3).replace(/^0+(?=.)/, '')}.10, "n": null,  "t": "ž\\n"}'`,
  },
  {
    name: 'jsonb',
    value: (random) =>
      random.chance(0.1)
        ? `jsonb_build_object('long', ${longText(random)})`
        : `'{"n": ${random.whole(0, 999)}.10, "t": ["ž\\n", {}]}'`,
  },
  { name: 'inet', value: (random) => quote(`10.${random.whole(0, 255)}.0.1/${random.whole(8, 32)}`) },
  { name: 'cidr', value: (random) => quote(`10.${random.whole(0, 255)}.0.0/16`) },
  { name: 'macaddr', value: (random) => quote(`08:00:2b:01:02:${two(random, 99)}`) },
  { name: 'int4range', value: (random) => `int4range(${random.whole(0, 9)}, ${random.whole(10, 99)}, '[]')` },
  { name: 'numrange', value: (random) => `numrange(${random.whole(0, 9)}.5, null)` },
  { name: 'tstzrange', value: (random) => quote(`[${dateOf(random)} ${timeOf(random)}Z,)`) },
  { name: 'daterange', value: (random) => quote(`[${dateOf(random)},)`) },
  { name: 'bit(1)', value: (random) => `B'${random.whole(0, 1)}'` },
  { name: 'bit(11)', value: (random) => `${random.whole(0, 2047)}::bit(11)` },
  {
    name: 'bit varying(40)',
    value: (random) => `${random.whole(0, 2_000_000_000)}::bit(${random.whole(1, 40)})`,
  },
  { name: 'oid', value: (random) => `'${pick(random, ['0', '4294967295', digits(random, 9)])}'` },
  { name: 'xml', value: (random) => quote(`<a b="${random.whole(0, 99)}">ž</a>`) },
  { name: 'point', value: (random) => `point(${random.whole(0, 99)}.5, -${random.whole(0, 99)})` },
  { name: 'integer[]', value: (random) => `${list(random, () => whole(32)(random))}::integer[]` },
  { name: 'bigint[]', value: (random) => `${list(random, () => whole(64)(random))}::bigint[]` },
  { name: 'text[]', value: (random) => `${list(random, () => quote(word(random)))}::text[]` },
  {
    name: 'numeric(9,2)[]',
    value: (random) => `${list(random, () => `${random.whole(0, 9999)}.5`)}::numeric(9,2)[]`,
  },
  { name: 'boolean[]', value: (random) => `${list(random, () => String(random.chance(0.5)))}::boolean[]` },
  { name: 'date[]', value: (random) => `${list(random, () => quote(dateOf(random)))}::date[]` },
  {
    name: 'timestamptz[]',
    value: (random) => `${list(random, () => quote(`${dateOf(random)} ${timeOf(random)}Z`))}::timestamptz[]`,
  },
  { name: 'uuid[]', value: (random) => `${list(random, () => `md5('${digits(random, 9)}')`)}::uuid[]` },
  { name: 'g.mood', value: (random) => quote(pick(random, ['sad', 'ok', 'very, "happy"'])) },
  {
    name: 'g.mood[]',
    value: (random) => `${list(random, () => quote(pick(random, ['sad', 'very, "happy"'])))}::g.mood[]`,
  },
  { name: 'g.price', value: (random) => `'${random.whole(0, 99_999)}.${digits(random, 2)}'` },
];
