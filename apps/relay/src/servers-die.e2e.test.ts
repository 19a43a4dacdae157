/** The servers die under load, on a stack of this file's own, and nothing is lost or repeated. */
import { parseIdentity } from '@diptych/kafka/identity';
import { poll } from '@diptych/runtime/poll';
import { createDatabase, dropDatabase } from '@diptych/testkit/database';
import { type Stack, startStack } from '@diptych/testkit/stack';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { serveHealth } from './health.ts';
import { Metrics } from './metrics.ts';
import { RelayUnderTest } from './relay-under-test.ts';

type OwnStack = Extract<Stack, { kind: 'containers' | 'embedded' }>;

let stack: OwnStack;
beforeAll(async () => {
  // Embedded whatever the run's stack is: servers of one's own are not ours to kill, and a broker that is killed in a
  // container may lose a commit that it has confirmed (docs/decisions/0008).
  const started = await startStack({ env: { ...process.env, DIPTYCH_STACK: 'embedded' } });
  if (started.kind === 'external') throw new Error('this test needs servers of its own');
  stack = started;
}, 120_000);
afterAll(() => stack.stop());

let relay: RelayUnderTest;
function create(settings: Parameters<typeof RelayUnderTest.create>[0] = {}): Promise<RelayUnderTest> {
  const database = async () => {
    const url = await createDatabase(stack.databaseUrl);
    return { url, drop: () => dropDatabase(url) };
  };
  return RelayUnderTest.create(settings, { database, brokers: stack.brokers });
}

beforeEach(async () => {
  relay = await create();
  await relay.initialise();
});
afterEach(() => relay.close());

/** Writes rows one by one until told to stop, over every outage; answers which were certainly committed. */
function writer(): { stop(): Promise<Set<number>> } {
  const committed = new Set<number>();
  let writing = true;
  const work = (async () => {
    let client: pg.Client | null = null;
    for (let id = 1; writing; id += 1) {
      try {
        if (!client) {
          client = new pg.Client({ connectionString: relay.configuration.database.url });
          client.on('error', () => {});
          await client.connect();
        }
        await client.query('insert into carts (id) values ($1)', [id]);
        committed.add(id);
      } catch {
        await client?.end().catch(() => {});
        client = null;
      }
    }
    await client?.end();
  })();
  return {
    stop: async () => {
      writing = false;
      await work;
      return committed;
    },
  };
}

/** Ids of the change topic in their order of commit; every row once, by the database's own word. */
async function expectAllOnce(committed: ReadonlySet<number>): Promise<void> {
  const sql = new pg.Client({ connectionString: relay.configuration.database.url });
  await sql.connect();
  const { rows } = await sql.query<{ id: number }>('select id from carts order by id');
  await sql.end();
  const records = await relay.records(relay.topicOf('carts'));
  const published = records.map((record) => Number(JSON.parse(String(record.key)).id));
  expect(published.toSorted((a, b) => a - b)).toEqual(rows.map((row) => row.id));
  expect([...committed].filter((id) => !published.includes(id))).toEqual([]);
  for (const partition of new Set(records.map((record) => record.partition))) {
    const commits = records
      .filter((record) => record.partition === partition)
      .map((record) => parseIdentity(record.headers.get('diptych-tx') ?? '').commitLsn);
    expect(commits).toEqual(commits.toSorted((a, b) => Number(a - b)));
  }
}

const publishes = (board: { published: bigint }, beyond: bigint): Promise<true> =>
  poll(() => (board.published > beyond ? true : undefined), {
    what: 'the relay publishes again',
    timeoutMs: 60_000,
  });

test('a session that ends while Kafka hangs in the making of a topic is not the end of the relay', {
  timeout: 120_000,
}, async () => {
  const running = relay.start();
  await relay.active(running);
  const { pid } = stack.kafka;
  if (pid === undefined) throw new Error('the broker has no process');
  process.kill(pid, 'SIGSTOP');
  try {
    await relay.sql.query(
      `insert into outbox (aggregatetype, aggregateid, type, payload) values ('new', '1', 'Made', '{}')`,
    );
    await poll(() => (running.board.waitingSinceUs === null ? undefined : true), {
      what: 'the relay has the event',
      timeoutMs: 10_000,
    });
    await relay.sql.query('select pg_terminate_backend(active_pid) from pg_replication_slots where active');
    await poll(() => (running.board.role === 'active' ? undefined : true), {
      what: 'the session is over',
      timeoutMs: 10_000,
    });
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await relay.caughtUp();
  expect(await relay.records(relay.domainTopic('new'))).toHaveLength(1);
  await running.stop();
});

test('a relay whose broker hangs while rows are written is not ready, but healthy, and ready again afterwards', {
  timeout: 120_000,
}, async () => {
  const settings = {
    DIPTYCH_TIMING_STALLED_MS: '1500',
    DIPTYCH_LIMITS_STALLED_BYTES: '20000',
    DIPTYCH_TIMING_PUBLICATION_CHECK_INTERVAL_MS: '100',
  };
  await relay.close();
  relay = await create(settings);
  await relay.initialise();
  const running = relay.start();
  await relay.active(running);
  const { board } = running;
  const health = await serveHealth({ board, metrics: new Metrics(board), host: '127.0.0.1', port: 0 });
  const statusOf = async (path: string) => (await fetch(`${health.url}${path}`)).status;
  const load = writer();
  const { pid } = stack.kafka;
  if (pid === undefined) throw new Error('the broker has no process');
  try {
    await publishes(board, board.published);
    expect(await statusOf('/readyz')).toBe(200);
    process.kill(pid, 'SIGSTOP');
    await poll(() => board.standstill ?? undefined, { what: 'the position stands still', timeoutMs: 60_000 });
    expect([await statusOf('/readyz'), await statusOf('/healthz')]).toEqual([503, 200]);
    process.kill(pid, 'SIGCONT');
    await poll(async () => ((await statusOf('/readyz')) === 200 ? true : undefined), {
      what: 'the relay is ready again',
      timeoutMs: 60_000,
    });
  } finally {
    process.kill(pid, 'SIGCONT');
    await health.close();
  }
  const committed = await load.stop();
  await relay.caughtUp();
  await running.stop();
  await expectAllOnce(committed);
});
