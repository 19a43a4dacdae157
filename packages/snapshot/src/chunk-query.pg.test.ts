/** Chunks of any table with a key, in order: every row once, whatever the key is made of. */

import { testDatabase } from '@diptych/testkit/for-tests';
import { quoteIdentifier, quoteLiteral } from '@diptych/wal/catalogue';
import { TextReader, type TextRow } from '@diptych/wal/text-reader';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chunkSql } from './chunk-query.ts';
import {
  type DescribedTable,
  type DescriptionRow,
  describedTable,
  describeTableSql,
  goesOn,
} from './described-table.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let sql: pg.Client;
let reader: TextReader;
beforeAll(async () => {
  database = await testDatabase();
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  reader = await TextReader.open(database.url, { applicationName: 'test' });
});
afterAll(async () => {
  await reader.close();
  await sql.end();
  await database.drop();
});

const quoting = { identifier: quoteIdentifier, literal: quoteLiteral };

async function describeTable(schema: string, name: string): Promise<DescribedTable | null> {
  const literals = { publication: `'p'`, schema: quoteLiteral(schema), name: quoteLiteral(name) };
  const [row] = await reader.query(describeTableSql(literals));
  return row ? describedTable({ schema, name }, JSON.parse(row[0] ?? '') as DescriptionRow) : null;
}

async function readAll(table: DescribedTable, rows: number, where: string | null = null): Promise<TextRow[]> {
  const found: TextRow[] = [];
  const places = table.key.map((name) => table.relation.columns.findIndex((column) => column.name === name));
  for (let after: string[] | null = null; ; ) {
    const chunk = await reader.query(chunkSql(table, { after, where, rows, quoting }));
    found.push(...chunk);
    const last = chunk.at(-1);
    if (!last || chunk.length < rows) return found;
    after = places.map((place) => last[place] ?? '');
  }
}

describe('a table is read whole and once, in the order of its key', () => {
  test.each([
    ['a number', 'id int primary key', `select i from generate_series(1, 25) i`],
    [
      'four columns',
      'a int, b text, c date, d uuid, primary key (c, b, a, d)',
      `select i % 3, 'x' || i % 2, date '2020-01-01' + i % 4, gen_random_uuid() from generate_series(1, 25) i`,
    ],
    ['an enum', `e public.mood primary key`, `select unnest(enum_range(null::public.mood))`],
    [
      'numerics, special ones too',
      'n numeric primary key',
      `select unnest(array['NaN','-Infinity','Infinity','1.50','-0.000001','1e30']::numeric[])`,
    ],
    [
      'floats',
      'f float8 primary key',
      `select unnest(array['NaN','-Infinity','1e-300','0.1','0.30000000000000004']::float8[])`,
    ],
    [
      'times',
      't timestamptz primary key',
      `select unnest(array['-infinity','infinity','4713-01-01 BC','2020-01-01 00:00:00.000001','294276-12-31'])::timestamptz`,
    ],
    [
      'texts of a collation',
      't text collate "en-x-icu" primary key',
      `select unnest(array['b','B','a','Ä','z','é','O''Hara','back\\slash','"q"'])`,
    ],
    [
      'citext of another schema',
      'c "odd schema".citext primary key',
      `select unnest(array['b','B2','a','C','d'])`,
    ],
    [
      'intervals and bytes',
      'i interval, b bytea, primary key (i, b)',
      `select (x || ' hours')::interval, decode(lpad(to_hex(x), 4, '0'), 'hex') from generate_series(-12, 12) x`,
    ],
  ])('%s', async (_what, columns, rows) => {
    await sql.query(`drop publication if exists p; drop schema if exists "odd schema" cascade; create schema "odd schema";
      drop type if exists public.mood; create type public.mood as enum ('sad', 'ok', 'happy');
      create extension if not exists citext schema "odd schema"`);
    await sql.query(`drop table if exists public."T; drop"; create table public."T; drop" (${columns}, "no""te" text);
      create publication p for table public."T; drop"`);
    await sql.query(`insert into public."T; drop" ${rows}`);
    const table = await describeTable('public', 'T; drop');
    if (!table) throw new Error('it is published');
    if (table.operatorSchemas.length > 0)
      await reader.query(
        `set search_path = ${table.operatorSchemas.map(quoteIdentifier).join(', ')}, public`,
      );
    const all = await reader.query(
      `select * from public."T; drop" order by ${table.key.map(quoteIdentifier).join(', ')}`,
    );
    expect(await readAll(table, 2)).toEqual(all);
    expect(all.length).toBeGreaterThan(2);
    await reader.query('reset search_path');
    await sql.query('drop table public."T; drop"');
  });
});

test('what the publication leaves out is not read: columns, rows, generated columns', async () => {
  await sql.query(`drop publication if exists p;
    create table narrow (id int primary key, kept text, secret text, twice int generated always as (id * 2) stored);
    create publication p for table narrow (id, kept) where (id > 2);
    insert into narrow (id, kept, secret) select i, 'k', 's' from generate_series(1, 5) i`);
  const table = await describeTable('public', 'narrow');
  if (!table) throw new Error('it is published');
  expect(table.relation.columns.map(({ name, key }) => [name, key])).toEqual([
    ['id', true],
    ['kept', false],
  ]);
  expect(await readAll(table, 2)).toEqual([
    ['3', 'k'],
    ['4', 'k'],
    ['5', 'k'],
  ]);
  expect(await readAll(table, 2, `id < 5 -- a comment`)).toHaveLength(2);
  // Nor does a condition lift what stands beside it: the place that was reached, the rows that are published.
  expect(await readAll(table, 2, 'id < 5) or (true')).toHaveLength(3);
});

test('a table without a key says so, one with a unique replica identity is read by that', async () => {
  await sql.query(`drop publication if exists p;
    create table bare (a int); alter table bare replica identity full;
    create table indexed (id int primary key, code text not null unique);
    alter table indexed replica identity using index indexed_code_key;
    create table deferred (id int primary key deferrable);
    create publication p for table bare, indexed, deferred`);
  expect((await describeTable('public', 'bare'))?.key).toEqual([]);
  // The stream has no key of such a table either; a row that was read may not have another one.
  expect(await describeTable('public', 'deferred')).toMatchObject({
    key: [],
    relation: { columns: [{ name: 'id', key: false }] },
  });
  await sql.query('alter table deferred replica identity full');
  expect((await describeTable('public', 'deferred'))?.key).toEqual(['id']);
  expect((await describeTable('public', 'indexed'))?.key).toEqual(['code']);
  expect(await describeTable('public', 'absent')).toBeNull();
});

test('a reading goes on as long as the table and what orders its key are the same, whatever else is altered', async () => {
  await sql.query(`drop publication if exists p; create publication p for all tables;
    create table shaped (id int, code varchar(9) collate "C", note text, primary key (id, code))`);
  const first = await describeTable('public', 'shaped');
  if (!first) throw new Error('it is published');
  const kind = 'incremental' as const;
  const asked = { id: 's1', kind, schema: 'public', name: 'shaped', where: null, rows: 1 };
  const read = { ...asked, key: first.key, shape: first.shape, after: ['1', 'a'] };
  const goesOnAfter = async (statement: string) => {
    await sql.query(`begin; ${statement}; commit`);
    const now = await describeTable('public', 'shaped');
    return now && goesOn(read, now);
  };
  expect(
    await goesOnAfter('alter table shaped add column more int; alter table shaped drop column note'),
  ).toBe(true);
  expect(await goesOnAfter('alter table shaped rename column code to name')).toBe(true);
  expect(await goesOnAfter('truncate shaped')).toBe(true);
  for (const [altered, back] of [
    ['alter column id type bigint', 'alter column id type int'],
    ['alter column name type varchar(9) collate "en-x-icu"', 'alter column name type varchar(9) collate "C"'],
    ['alter column name type text collate "C"', 'alter column name type varchar(9) collate "C"'],
    [
      'drop constraint shaped_pkey, add primary key (name, id)',
      'drop constraint shaped_pkey, add primary key (id, name)',
    ],
  ]) {
    expect(await goesOnAfter(`alter table shaped ${altered}`), altered).toBe(false);
    expect(await goesOnAfter(`alter table shaped ${back}`), back).toBe(true);
  }
  expect(
    await goesOnAfter(
      'alter table shaped drop column id; alter table shaped add column id int, add primary key (id, name)',
    ),
  ).toBe(false);
  expect(
    await goesOnAfter(
      'create table new (like shaped including all); drop table shaped; alter table new rename to shaped',
    ),
  ).toBe(false);
  // A log of an earlier version knows names only.
  const now = await describeTable('public', 'shaped');
  expect(now && goesOn({ ...read, key: ['id', 'name'], shape: null }, now)).toBe(true);
  expect(now && goesOn({ ...read, key: ['name', 'id'], shape: null }, now)).toBe(false);
});
