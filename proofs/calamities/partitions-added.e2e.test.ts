/** Proves that partitions which somebody adds to a topic – under the running relay or while none runs – take no key away from its order. */
import { withAdmin } from '@diptych/kafka/kafkajs-client';
import { ensureTopics } from '@diptych/kafka/topics';
import { RelayUnderTest, type RunningRelay } from '@diptych/relay-app/relay-under-test';
import { poll } from '@diptych/runtime/poll';
import type { Admin } from 'kafkajs';
import { afterEach, beforeEach, expect, test } from 'vitest';

const before = 2;
const after = 11;
/** So many that some move with eleven partitions, whatever the hash. */
const rows = 30;

let relay: RelayUnderTest;
beforeEach(async () => {
  relay = await RelayUnderTest.create({
    DIPTYCH_KAFKA_PARTITIONS: String(before),
    DIPTYCH_TIMING_PUBLICATION_CHECK_INTERVAL_MS: '100',
  });
  await relay.initialise();
  await relay.sql.query(`insert into carts (id, note) select g, '0' from generate_series(1, ${rows}) g`);
});
afterEach(() => relay.close());

function administrate<T>(use: (admin: Admin) => Promise<T>): Promise<T> {
  const { brokers } = relay.configuration.kafka;
  const limits = { requestTimeoutMs: 10_000, limitMs: 30_000 };
  return withAdmin({ brokers, clientId: 'test', ...limits, what: 'changing partitions' }, use);
}

const addPartitions = () =>
  administrate((admin) =>
    admin.createPartitions({ topicPartitions: [{ topic: relay.topicOf('carts'), count: after }] }),
  );

async function count(): Promise<void> {
  await relay.sql.query('update carts set note = (note::int + 1)::text');
  await relay.caughtUp();
}

async function started(options: { acceptPartitions?: boolean } = {}): Promise<RunningRelay> {
  const running = relay.start(options);
  await relay.active(running);
  await relay.caughtUp();
  return running;
}

/** The partitions in which records of the topic stand, by key, in the order of its numbers. */
async function placesByKey(): Promise<number[][]> {
  const places = new Map<string, number[]>();
  const records = await relay.records(relay.topicOf('carts'));
  const noteOf = (value: Buffer | null) => Number(JSON.parse(String(value)).after.note);
  for (const { key, partition } of records.toSorted((a, b) => noteOf(a.value) - noteOf(b.value))) {
    places.set(String(key), [...(places.get(String(key)) ?? []), partition]);
  }
  return [...places.values()];
}

const changed = () => [{ topic: relay.topicOf('carts'), agreed: before, found: after }];

test('partitions that are added stay empty, and every key goes on in its partition, in this session and the next', async () => {
  const running = await started();
  await addPartitions();
  await poll(() => (running.board.partitionsUnused.length > 0 ? true : undefined), {
    what: 'the running relay notices',
    timeoutMs: 30_000,
  });
  expect(running.board.partitionsUnused).toEqual(changed());
  await count();
  await running.stop();
  const next = await started();
  expect(next.board.partitionsUnused).toEqual(changed());
  await count();
  await next.stop();
  const places = await placesByKey();
  expect(places).toHaveLength(rows);
  expect(places.filter((ofKey) => ofKey.length !== 3 || new Set(ofKey).size !== 1)).toEqual([]);
  expect(Math.max(...places.flat())).toBeLessThan(before);
});

test('added partitions that the operator accepted once are used from then on', async () => {
  await (await started()).stop();
  await addPartitions();
  const accepting = await started({ acceptPartitions: true });
  await count();
  await accepting.stop();
  const next = await started();
  expect(next.board.partitionsUnused).toEqual([]);
  await count();
  await next.stop();
  const places = await placesByKey();
  expect(places.filter(([, second, third]) => second !== third)).toEqual([]);
  expect(Math.max(...places.flat())).toBeGreaterThanOrEqual(before);
});

test('what the operator accepted is kept by a session that publishes nothing', async () => {
  await (await started()).stop();
  await addPartitions();
  const accepting = relay.start({ acceptPartitions: true });
  await relay.active(accepting);
  await accepting.stop();
  const next = await started();
  expect(next.board.partitionsUnused).toEqual([]);
  await next.stop();
});

test('a topic that was made anew with fewer partitions is refused, and --accept-partitions goes on', async () => {
  await (await started()).stop();
  const topic = relay.topicOf('carts');
  await administrate(async (admin) => {
    await admin.deleteTopics({ topics: [topic] });
    await poll(async () => ((await admin.listTopics()).includes(topic) ? undefined : true), {
      what: 'the topic is gone',
      timeoutMs: 30_000,
    });
  });
  const { brokers } = relay.configuration.kafka;
  await ensureTopics({ brokers, specs: [{ name: topic, partitions: 1, config: {} }] });
  await expect(relay.start().ended).rejects.toMatchObject({ code: 'partitions-changed' });
  expect(await relay.unheldStatus()).toMatchObject({
    state: 'refused',
    lastError: { code: 'partitions-changed' },
  });
  const accepting = await started({ acceptPartitions: true });
  await count();
  await accepting.stop();
  expect(await relay.records(topic)).toHaveLength(rows);
});
