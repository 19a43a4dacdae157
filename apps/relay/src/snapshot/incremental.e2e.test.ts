/** Incremental snapshots on real servers: whatever is written meanwhile, the topic folds to the table. */
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RelayUnderTest } from '../relay-under-test.ts';
import { ask, bodyOf, completed, fold } from './snapshot-under-test.ts';

let relay: RelayUnderTest;
beforeEach(async () => {
  relay = await RelayUnderTest.create({ DIPTYCH_SNAPSHOT_CHUNK_ROWS_MAX: '100' });
});
afterEach(() => relay.close());

/** Rows that were there before the slot: only a snapshot can tell of them. */
const fill = (rows: number) =>
  relay.sql.query(`insert into carts select i, 'old', 'row ' || i from generate_series(1, ${rows}) i`);

async function expectTable(): Promise<void> {
  const { rows } = await relay.sql.query<{ id: number; status: string; note: string }>(
    'select id, status, note from carts order by id',
  );
  const folded = [...fold(await relay.records(relay.topicOf('carts'))).values()];
  expect(folded.toSorted((a, b) => Number(a.id) - Number(b.id))).toEqual(rows);
}

/** Inserts, updates, deletes and key changes at random, one transaction after another. */
async function writeUntil(signal: AbortSignal, rows: number): Promise<number> {
  const client = new pg.Client({ connectionString: relay.configuration.database.url });
  await client.connect();
  let writes = 0;
  const any = () => 1 + Math.floor(Math.random() * rows);
  while (!signal.aborted) {
    writes += 1;
    const statements = [
      () =>
        client.query('insert into carts values ($1, $2) on conflict do nothing', [
          rows + writes,
          `new ${writes}`,
        ]),
      () => client.query('update carts set status = $2 where id = $1', [any(), `updated ${writes}`]),
      () => client.query('delete from carts where id = $1', [any()]),
      () => client.query('update carts set id = $2 where id = $1', [any(), 1_000_000 + writes]),
      () =>
        client.query('insert into carts values ($1, $2) on conflict do nothing', [any(), `again ${writes}`]),
    ];
    await statements[writes % statements.length]?.();
  }
  await client.end();
  return writes;
}

test('rows that were there before are published, with the markers of a snapshot', async () => {
  await fill(250);
  await relay.initialise();
  const running = relay.start();
  await relay.active(running);
  const { id } = await ask(relay, { command: 'start', tables: ['public.carts'] });
  await completed(relay, id ?? '');
  const records = await relay.records(relay.topicOf('carts'));
  expect(records).toHaveLength(250);
  expect(new Set(records.map((record) => record.headers.get('diptych-snapshot')))).toEqual(new Set([id]));
  const identities = records.map((record) => record.headers.get('diptych-tx') ?? '');
  expect(new Set(identities.map((identity) => identity.split('-').slice(0, 5).join('-'))).size).toBe(250);
  const [first] = records;
  expect(first && bodyOf(first)).toMatchObject({
    op: 'r',
    before: null,
    transaction: null,
    source: { snapshot: 'incremental', lsn: null, txId: null, schema: 'public', table: 'carts' },
  });
  await expectTable();
  await running.stop();
});

test.each(['messages', 'none'])(
  'with windows by %s the topic folds to the table, whatever is written meanwhile',
  { timeout: 240_000 },
  async (watermarks) => {
    await relay.close();
    relay = await RelayUnderTest.create({
      DIPTYCH_SNAPSHOT_CHUNK_ROWS_MAX: '100',
      DIPTYCH_SNAPSHOT_WATERMARKS: watermarks,
    });
    await fill(3000);
    await relay.initialise();
    const running = relay.start();
    await relay.active(running);
    const ending = new AbortController();
    const writing = writeUntil(ending.signal, 3000);
    const { id } = await ask(relay, { command: 'start', tables: ['public.carts'] });
    await completed(relay, id ?? '');
    ending.abort();
    expect(await writing).toBeGreaterThan(20);
    await relay.caughtUp();
    await expectTable();
    await running.stop();
  },
);

test('whatever session ends in the middle, each row is read once, and the topic folds to the table', {
  timeout: 240_000,
}, async () => {
  await fill(4000);
  await relay.initialise();
  const running = relay.start();
  await relay.active(running);
  const ending = new AbortController();
  const writing = writeUntil(ending.signal, 4000);
  const { id } = await ask(relay, { command: 'start', tables: ['public.carts'] });
  for (let round = 0; round < 4; round += 1) {
    await relay.sql.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name like 'diptych %' and ${round} % 2 = (backend_type = 'walsender')::int`);
    await relay.active(running);
  }
  await completed(relay, id ?? '');
  ending.abort();
  await writing;
  await relay.caughtUp();
  await expectTable();
  const read = (await relay.records(relay.topicOf('carts'))).filter((record) =>
    record.headers.has('diptych-snapshot'),
  );
  expect(new Set(read.map(({ key }) => String(key))).size).toBe(read.length);
  await running.stop();
});

test('at least once, too, the topic folds to the table, and the reading ends', async () => {
  await fill(1000);
  await relay.initialise();
  const running = relay.start({ delivery: 'at-least-once' });
  await relay.active(running);
  const ending = new AbortController();
  const writing = writeUntil(ending.signal, 1000);
  const { id } = await ask(relay, { command: 'start', tables: ['public.carts'] });
  await completed(relay, id ?? '');
  ending.abort();
  await writing;
  await relay.caughtUp();
  await expectTable();
  await running.stop();
  const again = relay.start({ delivery: 'at-least-once' });
  await relay.active(again);
  expect(again.board.snapshot).toBeNull();
  await again.stop();
});
