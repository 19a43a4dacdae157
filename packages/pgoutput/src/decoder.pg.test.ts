/** What real servers send, through the decoder, against what SQL says of the same rows. */
import { testDatabase, testPrefix } from '@diptych/testkit/for-tests';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Decoder } from './decoder.ts';
import type { Message } from './message.ts';
import { openSlotForTests, readSlotForTests } from './read-slot-for-tests.ts';
import type { Row } from './row.ts';

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

/** The messages that these statements make, without begin, commit and descriptions of tables. */
async function decoded(...statements: readonly string[]): Promise<Message[]> {
  for (const statement of statements) await client.query(statement);
  // Each call of the SQL function is a decoding session of its own, which describes its tables anew.
  const decoder = new Decoder();
  const messages = (await readSlotForTests(client, slot)).map(({ bytes }) => decoder.decode(bytes));
  return messages.filter(({ tag }) => !['begin', 'commit', 'relation', 'type'].includes(tag));
}

function texts(row: Row | undefined): unknown[] {
  return row ? Array.from({ length: row.columns }, (_, column) => row.text(column)) : [];
}

test('insert, update, delete and truncate with the default identity', async () => {
  await client.query('create table d (id int primary key, "Grüße" text)');
  const [insert, plain, moved, deleted, truncated, ...rest] = await decoded(
    `insert into d values (1, 'žš')`,
    `update d set "Grüße" = null`,
    'update d set id = 2',
    'delete from d',
    'truncate d restart identity',
  );
  expect(rest).toEqual([]);
  expect(insert).toMatchObject({
    tag: 'insert',
    relation: {
      schema: 'public',
      table: 'd',
      replicaIdentity: 'default',
      columns: [
        { name: 'id', key: true },
        { name: 'Grüße', key: false },
      ],
    },
  });
  expect(insert?.tag === 'insert' && texts(insert.after)).toEqual(['1', 'žš']);
  expect(plain?.tag === 'update' && [plain.before, texts(plain.after)]).toEqual([null, ['1', null]]);
  expect(
    moved?.tag === 'update' && [moved.before?.tag, texts(moved.before?.row), texts(moved.after)],
  ).toEqual(['key', ['1', null], ['2', null]]);
  expect(deleted?.tag === 'delete' && [deleted.before.tag, texts(deleted.before.row)]).toEqual([
    'key',
    ['2', null],
  ]);
  expect(truncated).toMatchObject({
    tag: 'truncate',
    relations: [{ table: 'd' }],
    cascade: false,
    restartIdentity: true,
  });
});

test('the identity FULL, an index, and none', async () => {
  await client.query(`create table f (a int, b text); alter table f replica identity full;
    create table i (a int not null, b int not null); create unique index i_b on i (b); alter table i replica identity using index i_b;
    create table n (a int primary key); alter table n replica identity nothing`);
  const [, full, , indexed, none] = await decoded(
    `insert into f values (1, 'x')`,
    'update f set a = 2',
    'insert into i values (1, 10)',
    'delete from i',
    'insert into n values (1)',
  );
  expect(full?.tag === 'update' && [full.before?.tag, texts(full.before?.row), texts(full.after)]).toEqual([
    'row',
    ['1', 'x'],
    ['2', 'x'],
  ]);
  expect(full).toMatchObject({
    relation: { replicaIdentity: 'full', columns: [{ key: true }, { key: true }] },
  });
  expect(indexed?.tag === 'delete' && [indexed.before.tag, texts(indexed.before.row)]).toEqual([
    'key',
    [null, '10'],
  ]);
  expect(indexed).toMatchObject({
    relation: { replicaIdentity: 'index', columns: [{ key: false }, { key: true }] },
  });
  expect(none).toMatchObject({ relation: { replicaIdentity: 'nothing', columns: [{ key: false }] } });
});

test('a TOASTed value that did not change is unchanged, one that did is there', async () => {
  await client.query('create table t (id int primary key, long text, short int)');
  const [insert, unchanged, changed] = await decoded(
    `insert into t select 1, string_agg(md5(n::text), ''), 0 from generate_series(1, 500) n`,
    'update t set short = 2',
    `update t set long = 'short now'`,
  );
  expect(insert?.tag === 'insert' && insert.after.text(1)?.length).toBe(16_000);
  expect(unchanged?.tag === 'update' && texts(unchanged.after)).toEqual(['1', undefined, '2']);
  expect(changed?.tag === 'update' && texts(changed.after)).toEqual(['1', 'short now', '2']);
});

test('logical messages, in and outside transactions, with any bytes', async () => {
  // A message outside transactions does not flush the WAL, so a commit comes after it.
  const messages = await decoded(
    `select pg_logical_emit_message(false, 'out', '\\x00ff'::bytea)`,
    `select pg_logical_emit_message(true, 'in', 'inside – ž')`,
  );
  expect(messages).toMatchObject([
    { tag: 'message', transactional: false, prefix: 'out', content: Buffer.of(0, 255) },
    { tag: 'message', transactional: true, prefix: 'in', content: Buffer.from('inside – ž') },
  ]);
});

test('origins', async () => {
  await client.query(`select pg_replication_origin_create('elsewhere')`);
  await client.query('create table o (id int primary key)');
  const messages = await decoded(
    `select pg_replication_origin_session_setup('elsewhere')`,
    'begin',
    `select pg_replication_origin_xact_setup('0/12345', now())`,
    'insert into o values (1)',
    'commit',
    'select pg_replication_origin_session_reset()',
    'insert into o values (2)',
  );
  expect(messages.map(({ tag }) => tag)).toEqual(['origin', 'insert', 'insert']);
  expect(messages[0]).toMatchObject({ name: 'elsewhere', lsn: 0x12345n });
});

test('xid, commit time and commit positions are those of the server', async () => {
  await client.query('create table x (id int primary key)');
  const { rows } = await client.query<{ xid: string }>(
    'with written as (insert into x values (1)) select pg_current_xact_id()::text as xid',
  );
  const fresh = new Decoder();
  const messages = (await readSlotForTests(client, slot)).map(({ bytes }) => fresh.decode(bytes));
  const begin = messages.find(({ tag }) => tag === 'begin');
  const commit = messages.find(({ tag }) => tag === 'commit');
  if (begin?.tag !== 'begin' || commit?.tag !== 'commit') throw new Error('no transaction');
  expect(begin).toMatchObject({ xid: Number(rows[0]?.xid), commitLsn: commit.commitLsn });
  const { rows: said } = await client.query<{ us: string; bytes: string }>(
    `select (extract(epoch from now()) * 1000000)::bigint::text as us,
       pg_current_wal_insert_lsn() - ('0/0'::pg_lsn + $1::numeric) as bytes`,
    [String(commit.commitEndLsn)],
  );
  const ageUs = BigInt(said[0]?.us ?? 0) - begin.commitTimeUs;
  expect(ageUs).toBeGreaterThanOrEqual(0n);
  expect(ageUs).toBeLessThan(60_000_000n);
  expect(Number(said[0]?.bytes)).toBeGreaterThanOrEqual(0);
});

test('every value is the text that SQL has for it, for types of all kinds', async () => {
  await client.query(`create type mood as enum ('sad', 'ok');
    create type pair as (a int, b text);
    create domain sku as text check (value <> '');
    create table v (id int primary key, i2 int2, i8 int8, n numeric, f4 float4, f8 float8, b bool, t text, c char(5), by bytea, d date,
      ti time, tz timetz, ts timestamp, tstz timestamptz, iv interval, u uuid, j json, jb jsonb, x xml, m money, bi bit(3), vb varbit,
      ip inet, p point, r int4range, mr int4multirange, ia int[], ta text[], e mood, ea mood[], co pair, s sku, o oid, ls pg_lsn, tv tsvector)`);
  const messages = await decoded(
    `insert into v (id) values (0)`,
    `insert into v values (1, -32768, 9007199254740993, 'NaN', 3.3, 4.9406564584124654e-324, true, E'a"\\\\\\n\\t\\u0001ž😀', 'ab',
      '\\x000102', '4713-01-01 BC', '24:00', '13:51:30.123789+02:00', '294276-12-31 23:59:59.999999', 'infinity', 'P1Y2M3DT4H5M6.78S',
      '59a42efd-b015-44a9-9dde-cb36d9002425', '{"bar":   "baz"}', '{"n": 12345678901234567890.123}', '<a>b</a>', -1234.11, b'101', b'1',
      '::1/64', '(1,2)', '[1,5)', '{[1,2),[5,6)}', '{1,null,3}', '{"a b",null,"null","\\""}', 'ok', '{sad,ok}', '(1,"a b")', 'banana',
      4000000000, '16/B374D848', 'a fat cat')`,
  );
  const names = messages[1]?.tag === 'insert' ? messages[1].relation.columns.map(({ name }) => name) : [];
  const { rows } = await client.query({
    text: `select ${names.map(outputOf).join(', ')} from v order by id`,
    rowMode: 'array',
  });
  expect(names).toHaveLength(36);
  expect(messages.map((message) => message.tag === 'insert' && texts(message.after))).toEqual(rows);
});

/** What the type's output function writes: a cast to text differs for bool (`true`) and char (its padding). */
function outputOf(column: string): string {
  return `case when ${column} is not null then format('%s', ${column}) end`;
}
