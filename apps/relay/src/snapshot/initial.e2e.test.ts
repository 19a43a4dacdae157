/** Snapshots that `run` takes by itself, by `snapshot.mode`: consistent with the start of the stream, and once. */
import type { IncomingRecord } from '@diptych/kafka/record';
import { poll } from '@diptych/runtime/poll';
import pg from 'pg';
import { afterEach, expect, test } from 'vitest';
import { RelayUnderTest, type RunningRelay } from '../relay-under-test.ts';
import { bodyOf, fold, words } from './snapshot-under-test.ts';

let relay: RelayUnderTest;
afterEach(() => relay.close());

async function create(mode: string, settings: Record<`DIPTYCH_${string}`, string> = {}): Promise<void> {
  relay = await RelayUnderTest.create({
    DIPTYCH_SNAPSHOT_MODE: mode,
    DIPTYCH_SNAPSHOT_CHUNK_ROWS_MAX: '100',
    ...settings,
  });
}

async function running(): Promise<RunningRelay> {
  const started = relay.start();
  await relay.active(started);
  return started;
}

const completed = (times = 1) =>
  poll(
    async () =>
      (await words(relay)).filter(({ status }) => status === 'completed').length >= times || undefined,
    { what: `${times} snapshots are completed`, timeoutMs: 120_000 },
  );

const ops = async (table: string) =>
  (await relay.records(relay.topicOf(table))).map((record) => bodyOf(record).op).join('');

test('initial: tables are read as of the start of the stream, with Debezium’s markers, and no transaction stays open', async () => {
  await create('initial');
  await relay.sql.query(`create table items (id int primary key, note text); create table nothing (id int primary key);
    insert into carts select i, 'old' from generate_series(1, 250) i; insert into items values (1, 'only')`);
  const active = await running();
  await completed();
  await relay.sql.query(`insert into carts values (251, 'new')`);
  await relay.caughtUp();
  const carts = await relay.records(relay.topicOf('carts'));
  const items = await relay.records(relay.topicOf('items'));
  expect(fold(carts).size).toBe(251);
  const markers = [...carts, ...items].map((record) => bodyOf(record).source.snapshot);
  const count = (marker: string) => markers.filter((one) => one === marker).length;
  expect(count('first')).toBe(1);
  expect(count('last')).toBe(1);
  expect(count('first_in_data_collection') + count('last_in_data_collection')).toBeGreaterThan(0);
  expect(count('false')).toBe(1);
  expect(markers).toHaveLength(252);
  const first = carts.map(bodyOf).find(({ op }) => op === 'r');
  expect(first?.source).toMatchObject({ txId: null, lsn: expect.any(Number) });
  const { rows } = await relay.sql.query(
    `select 1 from pg_stat_activity where datname = current_database() and xact_start is not null and application_name like 'diptych snapshot%'`,
  );
  expect(rows).toEqual([]);
  await active.stop();
});

test('initial: what commits while the slot is made and read is there once, read or streamed', {
  timeout: 120_000,
}, async () => {
  await create('initial');
  await relay.sql.query(`insert into carts select i, 'old' from generate_series(1, 2000) i`);
  const writer = new pg.Client({ connectionString: relay.configuration.database.url });
  await writer.connect();
  const before =
    "begin; insert into carts values (5001, 'open before'); update carts set status = 'changed' where id = 1";
  await writer.query(before);
  const started = relay.start();
  // The slot waits for the open transaction.
  await poll(
    async () => {
      const { rows } = await relay.sql.query('select 1 from pg_replication_slots where slot_name = $1', [
        relay.configuration.slot,
      ]);
      return rows.length > 0 || undefined;
    },
    { what: 'the slot is being made', timeoutMs: 60_000 },
  );
  await writer.query("insert into carts values (5002, 'last'); commit");
  for (let id = 6000; id < 6050; id += 1) await writer.query('insert into carts values ($1)', [id]);
  await writer.end();
  await relay.active(started);
  await completed();
  await relay.caughtUp();
  const records = await relay.records(relay.topicOf('carts'));
  const { rows } = await relay.sql.query('select id, status, note from carts order by id');
  const folded = [...fold(records).values()].toSorted((a, b) => Number(a.id) - Number(b.id));
  expect(folded).toEqual(rows);
  // Each row has one beginning: it was read, or its insert was streamed.
  const begun = records
    .filter((record) => ['r', 'c'].includes(bodyOf(record).op))
    .map(({ key }) => String(key));
  expect(new Set(begun).size).toBe(begun.length);
  await started.stop();
});

test('initial: interrupted, the rest is read beside the stream; a second start reads nothing', {
  timeout: 120_000,
}, async () => {
  await create('initial');
  await relay.sql.query(`insert into carts select i, 'old' from generate_series(1, 5000) i`);
  const first = relay.start();
  await poll(() => (first.board.snapshot?.tables[0]?.rows ?? 0) > 0 || undefined, {
    ...{ what: 'it reads', timeoutMs: 60_000, intervalMs: 1 },
  });
  await relay.sql.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'diptych %'`,
  );
  // A relay that takes the end of a connection for something else stops, and says why here.
  await Promise.race([completed(), first.ended]);
  await first.stop();
  expect(fold(await relay.records(relay.topicOf('carts'))).size).toBe(5000);
  const read = (await ops('carts')).length;
  expect(read).toBe(5000);
  const second = await running();
  await relay.sql.query(`insert into carts values (5001)`);
  await relay.caughtUp();
  expect((await ops('carts')).length).toBe(5001);
  await second.stop();
});

test('initial_only ends by itself, and publishes nothing later', async () => {
  await create('initial_only');
  await relay.sql.query(`insert into carts select i from generate_series(1, 150) i`);
  await relay.start().ended;
  await relay.sql.query('insert into carts values (151)');
  await relay.start().ended;
  expect(await ops('carts')).toBe('r'.repeat(150));
});

test('always reads again at each start; no_data never', async () => {
  await create('always');
  await relay.sql.query('insert into carts values (1), (2)');
  for (const times of [1, 2]) {
    const active = await running();
    await completed(times);
    await active.stop();
  }
  expect(await ops('carts')).toBe('rrrr');
  await relay.close();
  await create('no_data');
  await relay.sql.query('insert into carts values (1)');
  await relay.initialise();
  const active = await running();
  await relay.sql.query('insert into carts values (2)');
  await relay.caughtUp();
  expect(await ops('carts')).toBe('c');
  await active.stop();
});

test('when_needed reads again when the slot is gone, over a gap that is written down', async () => {
  await create('when_needed');
  await relay.sql.query('insert into carts values (1)');
  const first = await running();
  await completed();
  await first.stop();
  await relay.sql.query('select pg_drop_replication_slot($1)', [relay.configuration.slot]);
  await relay.sql.query('insert into carts values (2)');
  const second = await running();
  await completed(2);
  await second.stop();
  expect(await ops('carts')).toBe('rrr');
  expect(fold(await relay.records(relay.topicOf('carts'))).size).toBe(2);
  const parked = await relay.records(`${relay.configuration.prefix}.parked`);
  expect(parked.map(({ headers }) => headers.get('diptych-gap'))).toEqual(['slot-lost']);
});

test('only selected tables are read, by their conditions; an outbox is not, and none of its rows is an event again', async () => {
  await create('initial', {
    DIPTYCH_SNAPSHOT_TABLES: 'public.*',
    DIPTYCH_SNAPSHOT_WHERE: '[{"table": "public.carts", "condition": "id <= 2"}]',
    DIPTYCH_CHANGE_EXCLUDE: 'none.none',
  });
  await relay.sql.query(`create schema other; create table other.things (id int primary key); insert into other.things values (1);
    insert into carts values (1), (2), (3);
    insert into outbox (aggregatetype, aggregateid, type, payload) values ('cart', '1', 'CartOpened', '{}')`);
  const active = await running();
  await completed();
  expect(await ops('carts')).toBe('rr');
  const said = (await words(relay)).flatMap(({ tables }) => tables);
  expect(new Set(said)).toEqual(new Set(['public.carts']));
  await relay.sql.query(
    `insert into outbox (aggregatetype, aggregateid, type, payload) values ('cart', '2', 'CartOpened', '{}')`,
  );
  await relay.caughtUp();
  expect((await relay.records(relay.domainTopic('cart'))).map(({ key }) => String(key))).toEqual(['2']);
  await active.stop();
});

test('initial: a table without a key is read once, in one go; what its reading leaves when it breaks off is told, not read again', {
  timeout: 120_000,
}, async () => {
  await create('initial', { DIPTYCH_SNAPSHOT_CHUNK_BYTES_MAX: '2000' });
  // Rows that are the same as others, and some that do not fit with others into a chunk.
  const bare = (
    rows: number,
  ) => `create table bare (a int, note text); alter table bare replica identity full;
    insert into bare select i % 7, case when i % 50 = 0 then repeat('x', 3000) else 'same' end from generate_series(1, ${rows}) i`;
  await relay.sql.query(bare(500));
  const active = await running();
  await completed();
  await relay.sql.query(`insert into bare values (100, 'new')`);
  await relay.caughtUp();
  const after = (records: readonly IncomingRecord[]) =>
    records.map((record) => JSON.stringify(bodyOf(record).after)).toSorted();
  const records = await relay.records(relay.topicOf('bare'));
  const { rows } = await relay.sql.query('select a, note from bare');
  expect(after(records)).toEqual(rows.map((row) => JSON.stringify(row)).toSorted());
  expect(new Set(records.map(({ key }) => key))).toEqual(new Set([null]));
  const markers = records.map((record) => bodyOf(record).source.snapshot);
  // Nothing is read behind it: the other tables are empty.
  expect([markers[0], markers.at(-2), markers.at(-1)]).toEqual(['first', 'last', 'false']);
  await active.stop();
  await relay.close();
  await create('initial');
  await relay.sql.query(`${bare(20_000)}; insert into carts select i from generate_series(1, 500) i`);
  const first = relay.start();
  await poll(() => (first.board.snapshot?.tables[0]?.rows ?? 0) > 0 || undefined, {
    ...{ what: 'it reads', timeoutMs: 60_000, intervalMs: 1 },
  });
  await relay.sql.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'diptych %'`,
  );
  await completed();
  await relay.sql.query(`insert into bare values (100, 'new')`);
  await relay.caughtUp();
  const failed = (await words(relay)).find(({ status }) => status === 'table-failed');
  const left = await relay.records(relay.topicOf('bare'));
  expect(failed).toMatchObject({
    tables: ['public.bare'],
    reason: `public.bare has no key to be read on by: ${left.length - 1} of its rows were published, the others are not read`,
    remedy: expect.stringContaining('diptych snapshot --table public.bare'),
  });
  expect(left.length).toBeLessThan(20_000);
  expect(fold(await relay.records(relay.topicOf('carts'))).size).toBe(500);
  await first.stop();
});

test('a table that is not there is refused by its setting, before a slot is made', async () => {
  await create('initial', { DIPTYCH_SNAPSHOT_TABLES: 'public.cart' });
  await expect(relay.start().ended).rejects.toMatchObject({
    code: 'configuration-invalid',
    message: 'snapshot.tables[0]: public.cart fits no table of the publication',
  });
  const { rows } = await relay.sql.query('select 1 from pg_replication_slots where slot_name = $1', [
    relay.configuration.slot,
  ]);
  expect(rows).toEqual([]);
});
