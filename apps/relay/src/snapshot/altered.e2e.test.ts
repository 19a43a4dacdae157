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

/** With a function that lets a reader pass a row only when `release` was called. */
async function create(environment: Record<`DIPTYCH_${string}`, string> = {}): Promise<void> {
  relay = await RelayUnderTest.create({ DIPTYCH_SNAPSHOT_CHUNK_ROWS_MAX: '100', ...environment });
  await relay.sql.query(`create function gate(n int) returns boolean language plpgsql as
    $$ begin if n = 150 then perform pg_advisory_lock_shared(77); perform pg_advisory_unlock_shared(77); end if; return true; end $$`);
  holder = new pg.Client({ connectionString: relay.configuration.database.url });
  holder.on('error', () => {}); // the server ends with the run
  await holder.connect();
  await hold();
}

const hold = () => holder.query('select pg_advisory_lock(77)');
const release = () => holder.query('select pg_advisory_unlock(77)');

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
