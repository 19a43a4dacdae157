import { FaultProxy } from '@diptych/testkit/fault-proxy';
import { testDatabase } from '@diptych/testkit/for-tests';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Catalogue, openCatalogue } from './catalogue.ts';
import { textsOf } from './read-rows-for-tests.ts';
import { TextReader } from './text-reader.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let sql: Catalogue;
let reader: TextReader;
beforeAll(async () => {
  database = await testDatabase();
  sql = await openCatalogue(database.url);
  await sql.query('create table kept (id int)');
  await sql.query('insert into kept values (1), (2)');
  reader = await TextReader.open(database.url, { applicationName: 'reader under test' });
});
afterAll(async () => {
  await reader.close();
  await sql.close();
  await database.drop();
});

test('what is asked is one statement, whatever a condition in it says', async () => {
  const twoStatements = 'select 1; delete from kept';
  await expect(reader.query(twoStatements)).rejects.toThrow('multiple commands');
  await expect(reader.read(twoStatements, { bytesMax: 100 })).rejects.toThrow('multiple commands');
});

test('a text that is too long for a string is read whole, and ends no process', {
  timeout: 240_000,
}, async () => {
  const bytes = 536_870_889;
  const { rows } = await reader.read(`select 1, repeat('x', ${bytes})`, { bytesMax: 1 });
  const [start, end, textStart = 0, textEnd] = rows.bounds(0);
  expect(rows.bytes.toString('utf8', start, end)).toBe('1');
  expect(textEnd).toBe(textStart + bytes);
  expect(rows.bytes.subarray(textStart, textEnd).equals(Buffer.alloc(bytes, 'x'))).toBe(true);
});

test('nothing is written', async () => {
  await expect(reader.query('delete from kept')).rejects.toThrow('read-only');
  const { rows } = await reader.read('select id from kept order by id', { bytesMax: 100 });
  expect([textsOf(rows, 0), textsOf(rows, 1), rows.length]).toEqual([['1'], ['2'], 2]);
});

test('each query has its own rows, also one that is asked before another was answered', async () => {
  const before = reader.query("select 'before'");
  const read = reader.read("select i, repeat('x', i) from generate_series(1, 500) i", { bytesMax: 1e6 });
  const behind = reader.query("select 'behind'");
  expect([await before, await behind]).toEqual([[['before']], [['behind']]]);
  const { rows, isWhole } = await read;
  const came = Array.from({ length: rows.length }, (_, index) => textsOf(rows, index));
  expect(came).toEqual(Array.from({ length: 500 }, (_, index) => [`${index + 1}`, 'x'.repeat(index + 1)]));
  expect(isWhole).toBe(true);
  // What failed midway leaves nothing behind.
  const failing = reader.read('select 1 / (3 - i) from generate_series(1, 5) i', { bytesMax: 100 });
  await expect(failing).rejects.toMatchObject({ code: 'postgres-refused-query' });
  expect(await reader.query('select 7')).toEqual([['7']]);
});

test('another table that is dropped while tables are listed is nothing that Postgres objects to', async () => {
  const raise = (message: string) =>
    reader.query(`do $$ begin raise exception using errcode = 'XX000', message = '${message}'; end $$`);
  await expect(raise('could not open relation with OID 16500')).rejects.toMatchObject({ retry: 'timed' });
  await expect(raise('could not find tuple')).rejects.toMatchObject({ code: 'postgres-refused-query' });
});

test('a connection that ended between two queries is nothing that Postgres objects to: it may be tried again', async () => {
  const ended = await TextReader.open(database.url, { applicationName: 'reader that is ended' });
  const [row] = await ended.query('select pg_backend_pid()');
  await sql.query('select pg_terminate_backend($1, 10000)', [row?.[0]]);
  // The first query may meet the connection while it ends, those behind it one that is over.
  for (let query = 0; query < 3; query += 1) {
    const failure = { code: 'postgres-unreachable', retry: 'timed' };
    await expect(ended.query('select 1')).rejects.toMatchObject(failure);
    await expect(ended.read('select 1', { bytesMax: 100 })).rejects.toMatchObject(failure);
  }
  await ended.close();
});

test('a query that never reached the server is given up after two looks; one that the server works on is waited for', async () => {
  const direct = new URL(database.url);
  const proxy = await FaultProxy.open({ host: direct.hostname, port: Number(direct.port || 5432) });
  const proxied = new URL(direct);
  proxied.host = `127.0.0.1:${proxy.port}`;
  const options = { applicationName: 'reader that is lost', lookIntervalMs: 20 };
  const lost = await TextReader.open(proxied.href, options);
  // Looks come and go while the server sleeps.
  expect(await lost.query('select pg_sleep(1)')).toHaveLength(1);
  const [row] = await lost.query('select inet_client_port()');
  proxy.silence(Number(row?.[0]));
  await expect(lost.read('select 1', { bytesMax: 100 })).rejects.toMatchObject({ retry: 'timed' });
  await lost.close();
  await proxy.close();
});
