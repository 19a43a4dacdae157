/** Change events made of what a real server sends, against the table itself. */
import { openSlotForTests, readSlotForTests } from '@diptych/pgoutput/read-slot-for-tests';
import { testDatabase, testPrefix } from '@diptych/testkit/for-tests';
import type { PanelRecord } from '@diptych/transaction/panel-record';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { publishForTests } from './publish-for-tests.ts';

const slot = testPrefix();
let database: Awaited<ReturnType<typeof testDatabase>>;
let client: Client;

beforeAll(async () => {
  database = await testDatabase();
  client = new Client({ connectionString: database.url });
  await client.connect();
  await openSlotForTests(client, slot);
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

/** What these statements, a transaction each, put on Kafka. */
async function published(...statements: readonly string[]): Promise<PanelRecord[]> {
  for (const statement of statements) await client.query(statement);
  return publishForTests(await readSlotForTests(client, slot), {
    primaryKeys: ({ table }) => (table === 'full' ? ['id'] : null),
  });
}

/** Operation, key, before and after of each record. */
function told(records: readonly PanelRecord[]): string[] {
  return records
    .filter(({ topic }) => topic !== 'p.transaction')
    .map(({ key, value }) => {
      const event = JSON.parse(String(value)) ?? { op: 'tombstone', after: null };
      const unchanged = event.unchanged ? ` unchanged ${event.unchanged}` : '';
      return `${event.op} ${String(key)} ${JSON.stringify(event.before ?? null)} ${JSON.stringify(event.after)}${unchanged}`;
    });
}

test('the life of rows, with the default identity and with FULL', async () => {
  await client.query(`create table plain (id int primary key, name text); create table "full" (id int primary key, name text);
    alter table "full" replica identity full`);
  const life = (table: string) => [
    `insert into ${table} values (1, 'banana')`,
    `update ${table} set name = 'apple'`,
    `update ${table} set id = 2`,
    `delete from ${table}`,
    `truncate ${table}`,
  ];
  expect(told(await published(...life('plain')))).toEqual([
    'c {"id":1} null {"id":1,"name":"banana"}',
    'u {"id":1} null {"id":1,"name":"apple"}',
    'd {"id":1} {"id":1} null',
    'tombstone {"id":1} null null',
    'c {"id":2} null {"id":2,"name":"apple"}',
    'd {"id":2} {"id":2} null',
    'tombstone {"id":2} null null',
    't null null null',
  ]);
  expect(told(await published(...life('"full"')))).toEqual([
    'c {"id":1} null {"id":1,"name":"banana"}',
    'u {"id":1} {"id":1,"name":"banana"} {"id":1,"name":"apple"}',
    'd {"id":1} {"id":1,"name":"apple"} null',
    'tombstone {"id":1} null null',
    'c {"id":2} null {"id":2,"name":"apple"}',
    'd {"id":2} {"id":2,"name":"apple"} null',
    'tombstone {"id":2} null null',
    't null null null',
  ]);
});

test('an unchanged TOASTed value is named; with FULL, and as a key, it is there', async () => {
  await client.query(`create table long (id int primary key, long text, short int);
    create table long_full (id int primary key, long text, short int); alter table long_full replica identity full;
    create table long_key (long text primary key, short int);
    alter table long alter long set storage external; alter table long_full alter long set storage external`);
  const long = `(select string_agg(md5(n::text), '') from generate_series(1, 80) n)`;
  const records = await published(
    `insert into long select 1, ${long}, 0`,
    'update long set short = 2',
    `insert into long_full select 1, ${long}, 0`,
    'update long_full set short = 2',
    `insert into long_key select ${long}, 0`,
    'update long_key set short = 2',
  );
  const { rows } = await client.query<{ long: string }>('select long from long');
  const value = rows[0]?.long;
  const updates = records.filter(
    ({ value: bytes, topic }) => topic !== 'p.transaction' && JSON.parse(String(bytes)).op === 'u',
  );
  expect(updates.map(({ value: bytes }) => JSON.parse(String(bytes)))).toMatchObject([
    { before: null, after: { id: 1, short: 2 }, unchanged: ['long'] },
    { before: { id: 1, long: value, short: 0 }, after: { id: 1, long: value, short: 2 } },
    { after: { long: value, short: 2 } },
  ]);
  expect(String(updates[0]?.value)).not.toContain('"long":');
  expect(JSON.parse(String(updates[2]?.key))).toEqual({ long: value });
});

test('values of all kinds come out as the server writes them, dates and times as ISO 8601', async () => {
  await client.query(`create type mood as enum ('sad', 'ok');
    create table v (id int primary key, i2 int2, i8 int8, n numeric(20, 4), f8 float8, nan float4, b bool, t text, d date, ti time,
      ts timestamp, bc timestamp, tstz timestamptz, u uuid, j json, jb jsonb, e mood, o oid, nothing text)`);
  const [record] = await published(
    `insert into v values (1, -32768, 9007199254740993, 22.22, 1e20, 'NaN', true, E'a"\\\\\\n\\u0001ž😀', '2016-11-04', '24:00',
      '2016-11-04 13:51:30.1', '0044-03-15 12:00:00 BC', '2016-11-04 13:51:30.123456+02:00',
      '59a42efd-b015-44a9-9dde-cb36d9002425', '{"bar":   "baz"}', '{"n":12345678901234567890.123}', 'ok', 4000000000)`,
  );
  const text = String(record?.value);
  expect(text.slice(text.indexOf('"after"'), text.indexOf(',"source"'))).toBe(
    '"after":{"id":1,"i2":-32768,"i8":9007199254740993,"n":"22.2200","f8":1e+20,"nan":"NaN","b":true,' +
      '"t":"a\\"\\\\\\n\\u0001ž😀","d":"2016-11-04Z","ti":"24:00:00Z","ts":"2016-11-04T13:51:30.1Z",' +
      '"bc":"-0043-03-15T12:00:00Z","tstz":"2016-11-04T11:51:30.123456Z","u":"59a42efd-b015-44a9-9dde-cb36d9002425",' +
      '"j":"{\\"bar\\":   \\"baz\\"}","jb":"{\\"n\\": 12345678901234567890.123}","e":"ok","o":4000000000,"nothing":null}',
  );
});

test('a table altered between changes is encoded as it was at each of them', async () => {
  await client.query('create table a (id int primary key, old text)');
  const records = await published(
    `insert into a values (1, 'x')`,
    `alter table a rename old to new; insert into a values (2, 'y')`,
    'alter table a drop new, add n bigserial; insert into a values (3)',
    `alter table a drop constraint a_pkey, add primary key (n); insert into a values (4, 8)`,
  );
  expect(told(records)).toEqual([
    'c {"id":1} null {"id":1,"old":"x"}',
    'c {"id":2} null {"id":2,"new":"y"}',
    'c {"id":3} null {"id":3,"n":3}',
    'c {"n":8} null {"id":4,"n":8}',
  ]);
});

test('two tables truncated together are two events of one transaction, and END counts them', async () => {
  await client.query('create table t1 (id int primary key); create table t2 (id int primary key)');
  const records = await published('truncate t1, t2');
  const [one, other, end] = records.map(({ value }) => JSON.parse(String(value)));
  expect(records.map(({ topic, part, spread }) => [topic, part, spread])).toEqual([
    ['p.public.t1', 0, 'every'],
    ['p.public.t2', 1, 'every'],
    ['p.transaction', 0, undefined],
  ]);
  expect([other.source.lsn, other.source.txId]).toEqual([one.source.lsn, one.source.txId]);
  expect(end).toMatchObject({ id: one.transaction.id, event_count: 2 });
});
