/** Tables that become others while they are read, or are read first: nothing is skipped, mixed or silent. */
import { poll } from '@diptych/runtime/poll';
import pg from 'pg';
import { afterEach, expect, test } from 'vitest';
import { RelayUnderTest, type RunningRelay } from '../relay-under-test.ts';
import { ask, completed, fold, words } from './snapshot-under-test.ts';

let relay: RelayUnderTest;
let holder: pg.Client;
afterEach(async () => {
  await holder.end().catch(() => {});
  await relay.close();
});

/** With functions that let a reader pass a row, or a plan, only when nobody holds a lock. */
async function create(environment: Record<`DIPTYCH_${string}`, string> = {}): Promise<void> {
  relay = await RelayUnderTest.create({ DIPTYCH_SNAPSHOT_CHUNK_ROWS_MAX: '100', ...environment });
  await relay.sql.query(`create function gate(n int) returns boolean language plpgsql as
    $$ begin if n = 150 then perform pg_advisory_lock_shared(77); perform pg_advisory_unlock_shared(77); end if; return true; end $$`);
  await relay.sql.query(`create function planned() returns boolean immutable language plpgsql as
    $$ begin perform pg_advisory_lock_shared(78); perform pg_advisory_unlock_shared(78); return true; end $$`);
  holder = new pg.Client({ connectionString: relay.configuration.database.url });
  holder.on('error', () => {}); // the server ends with the run
  await holder.connect();
  await hold();
}

const hold = () => holder.query('select pg_advisory_lock(77)');
const release = () => holder.query('select pg_advisory_unlock(77)');
/** Lets whoever waits pass, and nobody behind. */
const passOne = () => holder.query('select pg_advisory_unlock(77); select pg_advisory_lock(77)');

async function running(): Promise<RunningRelay> {
  const started = relay.start();
  await relay.active(started);
  return started;
}

const readingOf = ({ board }: RunningRelay, table: string) =>
  board.snapshot?.tables.find((one) => one.table === `public.${table}`);

const until = (what: string, is: () => boolean) =>
  poll(() => is() || undefined, { what, timeoutMs: 60_000, intervalMs: 5 });

/** Begins to read the table, and pauses when 200 of its rows are read. */
async function readHalf(active: RunningRelay, table: string): Promise<string> {
  const { id } = await ask(relay, { command: 'start', tables: [`public.${table}`], where: 'gate(n)' });
  await until('a chunk is read', () => readingOf(active, table)?.rows === 100);
  await ask(relay, { command: 'pause' });
  await release();
  await until('the next one too', () => readingOf(active, table)?.rows === 200);
  return id ?? '';
}

test('a key that comes, a key of another type, another table of that name: each is read whole, by its own key', async () => {
  await create();
  const rows = 'insert into keyed select i, i from generate_series(1, 300) i';
  await relay.sql.query(`create table keyed (id int primary key, n int); ${rows};
    create table later (id int not null, note text); alter table later replica identity full;
    insert into later values (1, 'one'), (2, 'two')`);
  await relay.initialise();
  const active = await running();

  await relay.sql.query('alter table later add primary key (id)');
  const later = await ask(relay, { command: 'start', tables: ['public.later'] });
  await completed(relay, later.id ?? '');
  const keys = (await relay.records(relay.topicOf('later'))).map(({ key }) => String(key));
  expect(keys.toSorted()).toEqual(['{"id":1}', '{"id":2}']);

  // In the order of texts most of what is left stands before the last row that was read.
  const retyped = await readHalf(active, 'keyed');
  await relay.sql.query('alter table keyed alter column id type text');
  await ask(relay, { command: 'resume' });
  await completed(relay, retyped);
  const texts = (await relay.records(relay.topicOf('keyed'))).filter((record) =>
    String(record.key).includes('":"'),
  );
  expect(fold(texts).size).toBe(300);

  await hold();
  await relay.sql.query(
    `truncate keyed; insert into keyed select lpad(i::text, 9, '0'), i from generate_series(1, 300) i`,
  );
  const recreated = await readHalf(active, 'keyed');
  await relay.sql.query(`begin; drop table keyed; create table keyed (id text primary key, n int);
    alter publication ${pg.escapeIdentifier(relay.configuration.change.publication)} add table keyed; commit`);
  await relay.sql.query(`insert into keyed values ('000000001', 1)`);
  await ask(relay, { command: 'resume' });
  await completed(relay, recreated);
  const last = (await relay.records(relay.topicOf('keyed'))).filter(
    ({ headers }) => headers.get('diptych-snapshot') === recreated,
  );
  expect(last).toHaveLength(201);
  expect(last.filter(({ key }) => String(key) === '{"id":"000000001"}')).toHaveLength(2);

  const restarted = (await words(relay)).filter(({ status }) => status === 'table-restarted');
  expect(restarted.map(({ id, tables }) => [id, ...tables])).toEqual([
    [retyped, 'public.keyed'],
    [recreated, 'public.keyed'],
  ]);
  expect(active.board.lastError).toBeNull();
  await active.stop();
});

const holderPid = async () =>
  (
    await relay.sql.query<{ pid: number }>(
      'select active_pid as pid from pg_replication_slots where slot_name = $1',
      [relay.configuration.slot],
    )
  ).rows[0]?.pid;

const endConnections = (like: string) =>
  relay.sql.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like $1`,
    [like],
  );

/** Waits until so many connections that read are in the state. */
const readers = (count: number, what: string, state: string) =>
  poll(
    async () => {
      const { rows } = await relay.sql.query(
        `select 1 from pg_stat_activity where datname = current_database() and application_name like 'diptych snapshot%' and ${state}`,
      );
      return rows.length === count || undefined;
    },
    { what, timeoutMs: 60_000, intervalMs: 20 },
  );
const stands = () => readers(1, 'a reader waits for the lock', `wait_event = 'advisory'`);

test('initial: a reader that stands still is seen and loses nothing; what is dropped or rewritten meanwhile stops nobody; paused, the stream runs', {
  timeout: 240_000,
}, async () => {
  await create({
    DIPTYCH_SNAPSHOT_MODE: 'initial',
    DIPTYCH_SNAPSHOT_WHERE: '[{"table": "public.keyed", "condition": "gate(n)"}]',
    DIPTYCH_TIMING_WAL_SENDER_TIMEOUT_MS: '4000',
    DIPTYCH_TIMING_STATUS_INTERVAL_MS: '500',
    // Seldom: a check that meets a table while it is dropped ends the session.
    DIPTYCH_TIMING_PUBLICATION_CHECK_INTERVAL_MS: '4000',
    DIPTYCH_TIMING_STALLED_MS: '9000',
  });
  // The first row keeps the reader that looks whether there are any.
  await relay.sql.query(`create table keyed (id int primary key, n int); create table lost (id int primary key);
    create table rewritten (id int primary key); insert into rewritten select generate_series(1, 250);
    insert into keyed select i, 150 - i from generate_series(0, 249) i; insert into lost values (1);
    insert into carts select i, 'old' from generate_series(1, 250) i`);
  const active = await running();
  await stands();
  const pid = await holderPid();
  await relay.sql.query('drop table lost');
  await relay.sql.query('alter table rewritten alter column id type bigint');
  await relay.sql.query(`insert into carts select i, repeat('new', 100) from generate_series(1001, 3000) i`);
  await until('the standstill is seen', () => !active.board.ready);
  expect(active.board.lastError).toBeNull();
  expect(active.board.lagBytes).toBeGreaterThan(65_536);
  // Longer than the server waits for a session that says nothing.
  expect(await holderPid()).toBe(pid);

  await passOne();
  await stands();
  await ask(relay, { command: 'pause' });
  await release();
  await readers(0, 'no transaction stays open', 'xact_start is not null');
  await relay.caughtUp({ timeoutMs: 60_000 });
  await until('it is ready again', () => active.board.ready);
  expect(active.board).toMatchObject({ snapshot: { paused: true } });
  expect(fold(await relay.records(relay.topicOf('carts'))).size).toBe(2250);

  await ask(relay, { command: 'resume' });
  await until('all is read', () => active.board.snapshot === null);
  await relay.caughtUp();
  expect(fold(await relay.records(relay.topicOf('keyed'))).size).toBe(250);
  expect(fold(await relay.records(relay.topicOf('rewritten'))).size).toBe(250);
  const said = await words(relay);
  expect(said.filter(({ status }) => status === 'table-failed').map(({ tables }) => tables[0])).toEqual([
    'public.lost',
  ]);
  expect(said.filter(({ status }) => status === 'completed')).toHaveLength(1);
  expect(active.board.lastError).toBeNull();
  await active.stop();
});

test('always: a session that ends before it could read is not the one; an answered command is executed, at least once too', {
  timeout: 240_000,
}, async () => {
  await create({
    DIPTYCH_SNAPSHOT_MODE: 'always',
    DIPTYCH_DELIVERY: 'at-least-once',
    DIPTYCH_SNAPSHOT_WHERE: '[{"table": "public.carts", "condition": "planned()"}]',
  });
  await relay.sql.query(`create table items (id int primary key); insert into carts values (1), (2)`);
  const isCompleted = (times: number) =>
    poll(
      async () =>
        (await words(relay)).filter(({ status }) => status === 'completed').length >= times || undefined,
      { what: `${times} snapshots are completed`, timeoutMs: 60_000, intervalMs: 200 },
    );
  const first = await running();
  await isCompleted(1);
  await first.stop();

  await holder.query('select pg_advisory_lock(78)');
  const second = relay.start();
  await relay.active(second);
  await relay.sql.query('insert into items values (1)');
  await poll(async () => (await relay.records(relay.topicOf('items'))).length > 0 || undefined, {
    ...{ what: 'the session has published something', timeoutMs: 60_000 },
  });
  await stands();
  await endConnections('diptych %');
  await holder.query('select pg_advisory_unlock(78)');
  await isCompleted(2);
  const read = async (table: string) =>
    (await relay.records(relay.topicOf(table))).filter(({ headers }) => headers.has('diptych-snapshot'));
  expect(await read('carts')).toHaveLength(4);

  await relay.sql.query('insert into carts select i from generate_series(3, 2000) i');
  const { id } = await ask(relay, { command: 'start', tables: ['public.carts'] });
  await endConnections('diptych %');
  await completed(relay, id ?? '');
  const ids = (await read('carts')).filter(({ headers }) => headers.get('diptych-snapshot') === id);
  expect(new Set(ids.map(({ key }) => String(key))).size).toBe(2000);
  await second.stop();
});
