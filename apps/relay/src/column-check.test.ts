import { expect, test } from 'vitest';
import { checkColumns, keysWithoutIdentity, type PublishedColumn } from './column-check.ts';

const table = 'public."users"';
const columns: PublishedColumn[] = [
  { table, name: 'public.users.id', isText: false, isKey: true, isIdentity: true },
  { table, name: 'public.users.name', isText: true, isKey: false, isIdentity: false },
  { table, name: 'public.users.born', isText: false, isKey: false, isIdentity: false },
];
const none = { include: [], exclude: [], mask: [], hash: [], hashSalt: '', truncate: [] };
const check = (given: object, keyColumns: string[] = []) =>
  checkColumns({ columns: { ...none, ...given }, keyColumns }, columns);

test('settings that name columns of published tables are taken', () => {
  const settings = { exclude: ['*.born'], mask: ['public.users.name:3'], hash: ['public.users.id'] };
  expect(() => check(settings, ['public.*.name'])).not.toThrow();
});

test('a pattern that fits no column is refused by setting and name', () => {
  expect(() => check({ exclude: ['public.users.nmae'] })).toThrow(
    'change.columns.exclude: public.users.nmae fits no column of a published table',
  );
  expect(() => check({}, ['users.id'])).toThrow('change.keyColumns: users.id');
});

test('a mask or a cut that would make keys the same is refused, and so is a cut through a number', () => {
  expect(() => check({ mask: ['public.users.*'] })).toThrow('one key: hash it instead');
  expect(() => check({ truncate: ['public.users.born:3'] })).toThrow('is no text');
});

test('a chosen key whose old values are not sent is told with the statement that sends them', () => {
  expect(keysWithoutIdentity({ keyColumns: ['*.id', 'public.users.name'] }, columns)).toEqual([
    { column: 'public.users.name', remedy: 'alter table public."users" replica identity full' },
  ]);
  expect(keysWithoutIdentity({ keyColumns: ['*.id'] }, columns)).toEqual([]);
});
