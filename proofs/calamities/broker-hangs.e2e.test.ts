/** Proves that a broker which hangs, neither dead nor answering, ends no relay: it says so, and goes on with everything. */
import { serveHealth } from '@diptych/relay-app/health';
import { Metrics } from '@diptych/relay-app/metrics';
import { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { poll } from '@diptych/runtime/poll';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type OwnStack, startOwnStack } from './own-stack-for-tests.ts';
import { expectAllOnce, keepWriting, publishesAgain } from './shop-for-tests.ts';

let own: OwnStack;
beforeAll(async () => {
  own = await startOwnStack();
}, 120_000);
afterAll(() => own.stack.stop());

let relay: RelayUnderTest;
beforeEach(async () => {
  relay = await RelayUnderTest.create({}, own.servers);
  await relay.initialise();
});
afterEach(() => relay.close());

test('a session that ends while Kafka hangs in the making of a topic is not the end of the relay', {
  timeout: 120_000,
}, async () => {
  const running = relay.start();
  await relay.active(running);
  const { pid } = own.stack.kafka;
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
  relay = await RelayUnderTest.create(settings, own.servers);
  await relay.initialise();
  const running = relay.start();
  await relay.active(running);
  const { board } = running;
  const health = await serveHealth({ board, metrics: new Metrics(board), host: '127.0.0.1', port: 0 });
  const statusOf = async (path: string) => (await fetch(`${health.url}${path}`)).status;
  const load = keepWriting(relay.configuration.database.url);
  const { pid } = own.stack.kafka;
  if (pid === undefined) throw new Error('the broker has no process');
  try {
    await publishesAgain(board);
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
  await expectAllOnce(relay, committed);
});
