/** Drawing the small things that values are made of, as SQL. Ends and oddities come more often than in life. */
import type { Random } from '../../simulate/random.ts';

export const pick = <T>(random: Random, list: readonly T[]): T => list[random.whole(0, list.length - 1)] as T;

export const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;

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

export const word = (random: Random): string => pick(random, words) + random.whole(0, 999);

/** Text that compression does not make small: it is stored out of line. */
export const longText = (random: Random): string =>
  `(select string_agg(md5(i::text || '${random.whole(0, 1_000_000)}'), '') from generate_series(1, ${random.whole(80, 400)}) i)`;

export const digits = (random: Random, count: number): string =>
  Array.from({ length: count }, () => random.whole(0, 9)).join('');

export const sign = (random: Random): string => (random.chance(0.5) ? '-' : '');

const two = (random: Random, max: number, min = 0): string => String(random.whole(min, max)).padStart(2, '0');

/** A day of the first 24 centuries. */
export const dateOf = (random: Random): string =>
  `${String(random.whole(1, 2400)).padStart(4, '0')}-${two(random, 12, 1)}-${two(random, 28, 1)}`;

export const timeOf = (random: Random): string =>
  `${two(random, 23)}:${two(random, 59)}:${two(random, 59)}.${digits(random, pick(random, [1, 3, 6]))}`;

export const zone = (random: Random): string =>
  `${pick(random, ['+', '-'])}${two(random, 14)}:${pick(random, ['00', '30', '45'])}`;

/** Up to four elements, some of them null. */
export const list = (random: Random, value: () => string): string =>
  `array[${Array.from({ length: random.whole(0, 4) }, () => (random.chance(0.15) ? 'null' : value())).join(', ')}]`;

/** Beyond the years of four digits, before Christ, and infinite. Microseconds of all of them fit 63 bits. */
const farDates = ['21016-11-04', '294246-12-31', '0044-03-15 BC', '4713-01-01 BC', 'infinity', '-infinity'];

export const anyDate = (random: Random): string =>
  quote(random.chance(0.1) ? pick(random, farDates) : dateOf(random));

/** `suffix`: what follows the time, drawn anew each time. */
export const anyTimestamp = (random: Random, suffix: (random: Random) => string = () => ''): string =>
  quote(random.chance(0.1) ? pick(random, farDates) : `${dateOf(random)} ${timeOf(random)}${suffix(random)}`);

/** A byte of an address. */
export const byte = (random: Random): string => two(random, 99);

export const coordinates = (random: Random): string =>
  `${sign(random)}${random.whole(0, 99)}.${pick(random, ['0', '5', '25'])},${random.whole(0, 99)}`;
