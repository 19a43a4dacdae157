/** Built-in types of random columns: for each, how a value is written as SQL. */
import type { Random } from '../../simulate/random.ts';
import * as draw from './draw.ts';
import { digits, pick, quote, sign } from './draw.ts';

/** What values depend on besides chance: it changes while a script is written. */
export interface TypeWorld {
  /** Labels of the enum `g.mood`, in order. */
  readonly moods: readonly string[];
}

export interface ColumnType {
  /** As in CREATE TABLE. */
  readonly name: string;
  /** An expression that gives a value; never null. */
  readonly value: (random: Random, world: TypeWorld) => string;
  /** A type that it may be altered to while rows are there. */
  readonly wider?: string;
}

const whole = (bits: number) => (random: Random) => {
  const limit = 2n ** BigInt(bits - 1);
  const ends = [`${-limit}`, `${limit - 1n}`, '0', '1', '-1'];
  return `'${random.chance(0.3) ? pick(random, ends) : `${sign(random)}${random.whole(0, 30_000)}`}'`;
};

const float = (random: Random): string =>
  `'${pick(random, ['NaN', 'Infinity', '-Infinity', '0', '-0', '1e10', '1.5', '1e-30', `${sign(random)}${random.whole(0, 9999)}.${digits(random, 3)}`])}'`;

const decimal = (wholes: number, scale: number) => (random: Random) =>
  `'${sign(random)}${digits(random, random.whole(1, wholes))}${scale > 0 ? `.${digits(random, scale)}` : ''}'`;

const numbers: readonly ColumnType[] = [
  { name: 'smallint', value: whole(16), wider: 'integer' },
  { name: 'integer', value: whole(32), wider: 'bigint' },
  { name: 'bigint', value: whole(64), wider: 'numeric' },
  { name: 'numeric', value: (random) => decimal(30, random.whole(1, 12))(random), wider: 'text' },
  { name: 'numeric(12,3)', value: decimal(8, 3), wider: 'numeric(20,5)' },
  { name: 'numeric(20,5)', value: decimal(14, 5) },
  { name: 'numeric(6,0)', value: decimal(6, 0) },
  { name: 'numeric(5,-2)', value: decimal(7, 0) },
  { name: 'numeric(3,5)', value: (random) => `'0.00${digits(random, 3)}'` },
  { name: 'real', value: float, wider: 'double precision' },
  { name: 'double precision', value: float },
  { name: 'money', value: (random) => `${decimal(12, 2)(random)}::numeric::money` },
  { name: 'oid', value: (random) => `'${pick(random, ['0', '4294967295', `1${digits(random, 8)}`])}'` },
  { name: 'boolean', value: (random) => String(random.chance(0.5)) },
  { name: 'bit(1)', value: (random) => `B'${random.whole(0, 1)}'` },
  { name: 'bit(11)', value: (random) => `${random.whole(0, 2047)}::bit(11)` },
  { name: 'bit(64)', value: (random) => `${whole(64)(random)}::bigint::bit(64)` },
  {
    name: 'bit varying(40)',
    value: (random) => `${random.whole(0, 2_000_000_000)}::bit(${random.whole(1, 40)})`,
    wider: 'bit varying',
  },
  {
    name: 'bit varying',
    value: (random) => `${random.whole(0, 2_000_000_000)}::bit(${random.whole(1, 70)})`,
  },
];

const texts: readonly ColumnType[] = [
  {
    name: 'text',
    value: (random) => (random.chance(0.15) ? draw.longText(random) : quote(draw.word(random))),
  },
  { name: 'varchar(40)', value: (random) => quote(draw.word(random)), wider: 'text' },
  { name: 'varchar', value: (random) => quote(draw.word(random)) },
  { name: 'char(24)', value: (random) => quote(draw.word(random)), wider: 'varchar' },
  { name: 'name', value: (random) => quote(draw.word(random)) },
  { name: '"char"', value: (random) => quote(pick(random, ['x', ' ', '7'])) },
  {
    name: 'bytea',
    value: (random) =>
      random.chance(0.1)
        ? `convert_to(${draw.longText(random)}, 'UTF8')`
        : `decode('${digits(random, 2 * random.whole(0, 12))}', 'hex')`,
  },
  { name: 'uuid', value: (random) => `md5('${digits(random, 12)}')::uuid`, wider: 'text' },
  {
    name: 'json',
    value: (random) => `'{"n": ${digits(random, 3).replace(/^0+(?=.)/, '')}.10, "n": null,  "t": "ž\\n"}'`,
  },
  {
    name: 'jsonb',
    value: (random) =>
      random.chance(0.1)
        ? `jsonb_build_object('long', ${draw.longText(random)})`
        : `'{"n": ${random.whole(0, 999)}.10, "t": ["ž\\n", {}]}'`,
  },
  { name: 'xml', value: (random) => quote(`<a b="${random.whole(0, 99)}">ž</a>`) },
  { name: 'tsvector', value: (random) => quote(`'fat' 'cat':${random.whole(1, 9)}A`) },
  { name: 'tsquery', value: (random) => quote(`'fat' & !'rat${random.whole(1, 9)}':*`) },
  { name: 'jsonpath', value: (random) => quote(`$.a[*] ? (@ > ${random.whole(1, 9)})`) },
];

const intervals = (random: Random): string =>
  quote(
    `${sign(random)}${random.whole(0, 99)} years ${sign(random)}${random.whole(0, 11)} months ${sign(random)}${random.whole(0, 40)} days ${sign(random)}${draw.timeOf(random)}`,
  );

const times: readonly ColumnType[] = [
  { name: 'date', value: draw.anyDate, wider: 'timestamp' },
  {
    name: 'time',
    value: (random) => (random.chance(0.1) ? "'24:00:00'" : quote(draw.timeOf(random))),
  },
  { name: 'time(0)', value: (random) => quote(draw.timeOf(random)), wider: 'time' },
  { name: 'time(3)', value: (random) => quote(draw.timeOf(random)), wider: 'time' },
  { name: 'timetz', value: (random) => quote(draw.timeOf(random) + draw.zone(random)) },
  { name: 'timetz(3)', value: (random) => quote(draw.timeOf(random) + draw.zone(random)) },
  { name: 'timestamp', value: (random) => draw.anyTimestamp(random) },
  { name: 'timestamp(0)', value: (random) => draw.anyTimestamp(random), wider: 'timestamp' },
  { name: 'timestamp(3)', value: (random) => draw.anyTimestamp(random), wider: 'timestamp' },
  { name: 'timestamptz', value: (random) => draw.anyTimestamp(random, draw.zone) },
  { name: 'timestamptz(3)', value: (random) => draw.anyTimestamp(random, draw.zone), wider: 'timestamptz' },
  { name: 'interval', value: intervals },
  { name: 'interval(3)', value: intervals, wider: 'interval' },
];

const rangesAndAddresses: readonly ColumnType[] = [
  {
    name: 'inet',
    value: (random) =>
      random.chance(0.3)
        ? `'2001:db8::${digits(random, 4)}'`
        : quote(`10.${random.whole(0, 255)}.0.1/${random.whole(8, 32)}`),
  },
  { name: 'cidr', value: (random) => quote(`10.${random.whole(0, 255)}.0.0/16`), wider: 'inet' },
  { name: 'macaddr', value: (random) => quote(`08:00:2b:01:02:${draw.byte(random)}`) },
  { name: 'macaddr8', value: (random) => quote(`08:00:2b:01:02:03:04:${draw.byte(random)}`) },
  { name: 'int4range', value: (random) => `int4range(${random.whole(0, 9)}, ${random.whole(10, 99)}, '[]')` },
  { name: 'int8range', value: (random) => pick(random, ["'empty'", "'(,)'", `'[${random.whole(0, 9)},)'`]) },
  { name: 'numrange', value: (random) => `numrange(${random.whole(0, 9)}.5, null)` },
  { name: 'tsrange', value: (random) => quote(`[${draw.dateOf(random)} ${draw.timeOf(random)},)`) },
  { name: 'tstzrange', value: (random) => quote(`[${draw.dateOf(random)} ${draw.timeOf(random)}Z,)`) },
  { name: 'daterange', value: (random) => quote(`[${draw.dateOf(random)},)`) },
  { name: 'int4multirange', value: (random) => quote(`{[1,${random.whole(2, 9)}),[20,30)}`) },
  { name: 'nummultirange', value: (random) => quote(`{(,1.${digits(random, 2)}]}`) },
  { name: 'tstzmultirange', value: (random) => quote(`{[${draw.dateOf(random)} 00:00Z,)}`) },
];

const geometric: readonly ColumnType[] = [
  { name: 'point', value: (random) => `'(${draw.coordinates(random)})'` },
  { name: 'box', value: (random) => `'(${draw.coordinates(random)}),(${draw.coordinates(random)})'` },
  { name: 'lseg', value: (random) => `'[(${draw.coordinates(random)}),(${draw.coordinates(random)})]'` },
  {
    name: 'path',
    value: (random) => {
      const points = `(${draw.coordinates(random)}),(${draw.coordinates(random)}),(${draw.coordinates(random)})`;
      return random.chance(0.5) ? `'[${points}]'` : `'(${points})'`;
    },
  },
  {
    name: 'polygon',
    value: (random) => `'((0,0),(${draw.coordinates(random)}),(${draw.coordinates(random)}))'`,
  },
  { name: 'circle', value: (random) => `'<(${draw.coordinates(random)}),${random.whole(0, 9)}>'` },
  { name: 'line', value: (random) => `'{${random.whole(1, 9)},-${random.whole(0, 9)},0.5}'` },
];

const ofTheServer: readonly ColumnType[] = [
  { name: 'xid', value: (random) => quote(`1${digits(random, 8)}`) },
  { name: 'xid8', value: (random) => quote(`1${digits(random, 12)}`) },
  { name: 'pg_lsn', value: (random) => quote(`16/B37${digits(random, 5)}`) },
  { name: 'pg_snapshot', value: () => "'10:20:10,14,15'" },
  { name: 'tid', value: (random) => `'(${random.whole(0, 99)},1)'` },
  { name: 'regclass', value: () => "'pg_class'" },
  { name: 'int2vector', value: (random) => `'1 ${random.whole(0, 99)}'` },
];

export const builtInTypes: readonly ColumnType[] = [
  ...numbers,
  ...texts,
  ...times,
  ...rangesAndAddresses,
  ...geometric,
  ...ofTheServer,
];
