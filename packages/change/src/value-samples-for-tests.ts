/** Random texts of values, from a seed, as PostgreSQL reads them. */
import fc from 'fast-check';

const seed = 1_795_246;

export const sample = <T>(values: fc.Arbitrary<T>, count = 30): T[] =>
  fc.sample(values, { numRuns: count, seed });
export const texts = fc.string({ unit: 'grapheme' }).map((one) => one.replaceAll('\0', ''));
export const hostile = fc.string({ unit: fc.constantFrom(...'ab ,{}()"\\\'\n=>:;NUL[]'.split('')) });
const digits = (max: number) => fc.stringMatching(new RegExp(`^[1-9][0-9]{0,${max - 1}}$`));
const coordinate = fc.integer({ min: -9999, max: 9999 }).map((one) => String(one / 8));
const pad = (value: number, length: number) => String(value).padStart(length, '0');
export const clocks = fc
  .tuple(fc.nat(23), fc.nat(59), fc.nat(59), fc.nat(999_999))
  .map(([h, m, s, us]) => `${pad(h, 2)}:${pad(m, 2)}:${pad(s, 2)}.${pad(us, 6)}`);
export const days = (yearMax: number) =>
  fc
    .tuple(
      fc.integer({ min: 1, max: yearMax }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 28 }),
    )
    .map(([year, month, date]) => `${pad(year, 4)}-${pad(month, 2)}-${pad(date, 2)}`);
const moment = fc.tuple(days(294_000), clocks).map(([date, time]) => `${date} ${time}`);
const bce = fc.tuple(days(4000), clocks).map(([date, time]) => `${date} ${time} BC`);
export const points = (min: number) =>
  fc
    .array(fc.tuple(coordinate, coordinate), { minLength: min, maxLength: 5 })
    .map((all) => all.map(([x, y]) => `(${x},${y})`));
export const bits = (length: number) => fc.stringMatching(new RegExp(`^[01]{${length}}$`));
export const integer = (max: bigint) => fc.bigInt({ min: -max - 1n, max }).map(String);
export const edges = <T>(values: fc.Arbitrary<T>, ...first: readonly T[]): T[] => [
  ...first,
  ...sample(values),
];

export const moments = fc.oneof(moment, bce);

export const numerics = fc.tuple(digits(60), digits(60)).map(([whole, fraction]) => `-${whole}.${fraction}`);

/** The smallest unit as an integer, the last two digits behind the point. */
export const amounts = integer(2n ** 63n - 1n).map((units) => units.replace(/(\d\d)$/, '.$1'));

export const byteas = fc.uint8Array().map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`);

export const zonedClocks = fc
  .tuple(clocks, fc.constantFrom('+02', '-05:30', '+00', '+15:59'))
  .map(([clock, zone]) => clock + zone);

const count = fc.integer({ min: -9999, max: 9999 });

export const intervals = fc
  .tuple(count, count, count, clocks, fc.constantFrom('', '-'))
  .map(([years, months, days, clock, sign]) => `${years} years ${months} mons ${days} days ${sign}${clock}`);

const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;

export const hstores = fc.dictionary(hostile, fc.option(hostile), { maxKeys: 5 }).map((map) =>
  Object.entries(map)
    .map(([key, value]) => `${quoted(key)}=>${value === null ? 'NULL' : quoted(value)}`)
    .join(),
);

export const textArrays = fc
  .array(hostile, { minLength: 1, maxLength: 5 })
  .map((all) => `{${all.map(quoted).join()}}`);
