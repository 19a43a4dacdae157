import pg from 'pg';
import { expect, test } from 'vitest';
import { testDatabase, testPrefix } from './for-tests.ts';

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

test('each test gets an empty database whose server decodes logically', async () => {
  const [one, two] = [await testDatabase(), await testDatabase()];
  const client = await connected(one.url);
  await client.query('create table t (id int)');
  const { rows } = await client.query("select current_setting('wal_level') as level");
  expect(rows).toEqual([{ level: 'logical' }]);
  const other = await connected(two.url);
  const tables = await other.query("select 1 from pg_tables where schemaname = 'public'");
  expect(tables.rowCount).toBe(0);
  await Promise.all([client.end(), other.end()]);
  await Promise.all([one.drop(), two.drop()]);
});

test('dropping a database ends the sessions in it and drops the slots of it, an active one too', async () => {
  const [database, maintenance] = [await testDatabase(), await testDatabase()];
  const slot = testPrefix();
  const client = await connected(database.url);
  await client.query("select pg_create_logical_replication_slot($1, 'pgoutput')", [slot]);
  const walsender = new pg.Client({
    connectionString: database.url,
    replication: 'database',
  } as pg.ClientConfig);
  walsender.on('error', () => undefined);
  await walsender.connect();
  const streaming = walsender.query(
    `START_REPLICATION SLOT ${slot} LOGICAL 0/0 (proto_version '1', publication_names 'none')`,
  );
  streaming.catch(() => undefined);
  const observer = await connected(maintenance.url);
  await expect
    .poll(async () => {
      const { rows } = await observer.query('select active from pg_replication_slots where slot_name = $1', [
        slot,
      ]);
      return rows;
    })
    .toEqual([{ active: true }]);

  await database.drop();

  const slots = await observer.query('select 1 from pg_replication_slots where slot_name = $1', [slot]);
  expect(slots.rowCount).toBe(0);
  await expect(connected(database.url)).rejects.toThrow(/does not exist/);
  await observer.end();
  await maintenance.drop();
});

test('a session that is about to end ends by itself before its database is dropped', async () => {
  const database = await testDatabase();
  const client = new pg.Client(database.url); // without a listener: an error of an idle one is an uncaught exception
  await client.connect();
  const leaving = client.query('select pg_sleep(0.2)').then(() => client.end());

  await database.drop();

  await expect(leaving).resolves.toBeUndefined();
});

test('a prefix fits topics and slots, and no two are the same', () => {
  const prefixes = new Set(Array.from({ length: 100 }, testPrefix));
  expect(prefixes.size).toBe(100);
  for (const prefix of prefixes) expect(prefix).toMatch(/^[a-z][a-z0-9_]{1,20}$/);
});
