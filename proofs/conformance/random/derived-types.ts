/** Types of random columns that are made: arrays, those of the script, those of extensions. */
import type { Random } from '../../simulate/random.ts';
import { builtInTypes, type ColumnType, type TypeWorld } from './column-types.ts';
import { digits, list, pick, quote, word } from './draw.ts';

/** Contrib extensions that the script makes, in the schema `g`. */
export const extensions = ['hstore', 'ltree', 'citext', 'isn', 'cube'] as const;

/** What a script begins with: the types below need it. */
export const typePreamble: readonly string[] = [
  'create schema g',
  ...extensions.map((name) => `create extension ${name} with schema g`),
  `create type g.mood as enum ('sad', 'ok', 'very, "happy"')`,
  'create domain g.price as numeric(10,2)',
  'create domain g.posint as bigint check (value > 0)',
  'create domain g.tags as text[]',
  'create domain g.happy as g.mood',
  'create type g.pair as (a int, b text)',
  'create type g.nested as (p g.pair, at timestamptz, list int[])',
  'create type g.floatrange as range (subtype = float8)',
];

/** Labels of `g.mood` as it is made. */
export const firstMoods: readonly string[] = ['sad', 'ok', 'very, "happy"'];

const pair = (random: Random): string =>
  `row(${random.whole(0, 999)}, ${pick(random, ['null', quote(word(random))])})::g.pair`;

const ofTheScript: readonly ColumnType[] = [
  { name: 'g.mood', value: (random, { moods }) => quote(pick(random, moods)), wider: 'text' },
  { name: 'g.happy', value: (random, { moods }) => quote(pick(random, moods)) },
  {
    name: 'g.price',
    value: (random) => `'${random.whole(0, 99_999)}.${digits(random, 2)}'`,
    wider: 'numeric',
  },
  { name: 'g.posint', value: (random) => String(random.whole(1, 99_999)) },
  { name: 'g.tags', value: (random) => `${list(random, () => quote(word(random)))}::text[]` },
  { name: 'g.pair', value: pair },
  {
    name: 'g.nested',
    value: (random) => `row(${pair(random)}, '2020-01-01 ${digits(random, 1)}:00Z', '{1,2}')::g.nested`,
  },
  { name: 'g.floatrange', value: (random) => `g.floatrange(${random.whole(0, 9)}.5, 99)` },
];

const ofExtensions: readonly ColumnType[] = [
  {
    name: 'g.hstore',
    value: (random) =>
      `g.hstore(array['a b', 'ž', ${quote(word(random))}], array[${quote(word(random))}, null, '"'])`,
  },
  { name: 'g.ltree', value: (random) => quote(`Top.A${random.whole(0, 99)}.b_c`), wider: 'text' },
  { name: 'g.citext', value: (random) => quote(word(random)), wider: 'text' },
  { name: 'g.isbn', value: (random) => quote(pick(random, ['0-393-04002-X', '0-306-40615-2'])) },
  { name: 'g.cube', value: (random) => `'(1,${random.whole(2, 9)}),(3,4)'` },
];

const single = [...builtInTypes, ...ofTheScript, ...ofExtensions];

/** A domain over an array, or a vector, has no array that could be written as `x[]` of its elements. */
const arrays: readonly ColumnType[] = single
  .filter(({ name }) => !['g.tags', 'int2vector'].includes(name))
  .map(({ name, value }) => ({
    name: `${name}[]`,
    value: (random: Random, world: TypeWorld) => `${list(random, () => value(random, world))}::${name}[]`,
  }));

const oddArrays: readonly ColumnType[] = [
  {
    name: 'integer[]',
    value: (random) =>
      pick(random, [`'{{1,${random.whole(0, 9)}},{null,4}}'`, `'[0:1]={7,${random.whole(0, 9)}}'`, "'{}'"]),
  },
  { name: 'text[]', value: (random) => `array[[${quote(word(random))}, 'b'], [null, '']]` },
];

/** All types; those that tables mostly have come most often. */
export function drawType(random: Random): ColumnType {
  const kind = random.next();
  if (kind < 0.6) return pick(random, builtInTypes);
  if (kind < 0.76) return pick(random, [...ofTheScript, ...ofExtensions]);
  return pick(random, kind < 0.96 ? arrays : oddArrays);
}

export const typeNamed = (name: string | undefined): ColumnType | undefined =>
  [...single, ...arrays].find((type) => type.name === name);
