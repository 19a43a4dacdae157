/** Proves that of three brokers any one may be killed under load – a partition's leader, the transaction coordinator – and come back, at no cost but time. */
import { FetchClient } from '@diptych/kafka/fetch-client';
import { withAdmin } from '@diptych/kafka/kafkajs-client';
import { RelayUnderTest, type RunningRelay } from '@diptych/relay-app/relay-under-test';
import { poll } from '@diptych/runtime/poll';
import { testDatabase } from '@diptych/testkit/for-tests';
import { type KafkaCluster, startKafkaCluster } from '@diptych/testkit/kafka-cluster';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { CountingLoad, expectCountedOnce } from './counting-load-for-tests.ts';

let cluster: KafkaCluster;
beforeAll(async () => {
  cluster = await startKafkaCluster({ brokers: 3 });
}, 120_000);
afterAll(() => cluster?.stop());

let relay: RelayUnderTest;
afterEach(() => relay.close());

async function leaderOf(topic: string): Promise<number> {
  const client = new FetchClient({ brokers: cluster.brokers, requestTimeoutMs: 5000 });
  try {
    const found = (await client.topics([topic])).get(topic);
    return found?.leaders[0] ?? -1;
  } finally {
    await client.close();
  }
}

/** Until the relay has published what was committed after now. */
async function publishesOn({ board }: RunningRelay): Promise<void> {
  const { rows } = await relay.sql.query<{ lsn: string }>(
    'select pg_current_wal_insert_lsn() - $1::pg_lsn as lsn',
    ['0/0'],
  );
  const beyond = BigInt(rows[0]?.lsn ?? 0);
  await poll(() => (board.published > beyond ? true : undefined), {
    what: 'the relay publishes what was committed meanwhile',
    timeoutMs: 60_000,
  });
}

/** Until every replica of the topic's partitions is in sync again: the next broker can be spared. */
async function untilInSync(topic: string): Promise<void> {
  const options = { brokers: cluster.brokers, clientId: 'test', requestTimeoutMs: 5000, limitMs: 10_000 };
  const whole = async () => {
    const { topics } = await withAdmin({ ...options, what: 'asking for replicas' }, (admin) =>
      admin.fetchTopicMetadata({ topics: [topic] }),
    );
    const partitions = topics.flatMap((one) => one.partitions);
    return partitions.every(({ isr, replicas }) => isr.length === replicas.length) || undefined;
  };
  await poll(whole, { what: `all replicas of ${topic} are in sync`, timeoutMs: 60_000, intervalMs: 200 });
}

test.each([
  ['a partition’s leader and the transaction coordinator', 'platformatic', ['leader', 'coordinator']],
  ['a partition’s leader', 'kafkajs', ['leader']],
] as const)(
  '%s killed under load cost nothing but time, with the driver %s',
  { timeout: 180_000 },
  async (_what, driver, victims) => {
    relay = await RelayUnderTest.create(
      { DIPTYCH_KAFKA_DRIVER: driver },
      { database: testDatabase, brokers: cluster.brokers },
    );
    await relay.initialise();
    const running = relay.start();
    await relay.active(running);
    const load = await CountingLoad.start(relay);
    await publishesOn(running);
    for (const victim of victims) {
      const topic = victim === 'leader' ? relay.topicOf('carts') : '__transaction_state';
      await untilInSync(topic);
      const leader = await leaderOf(topic);
      await cluster.node(leader).kill();
      await publishesOn(running);
      expect(await leaderOf(topic)).not.toBe(leader);
      await cluster.node(leader).start();
    }
    await publishesOn(running);
    await load.stop();
    await relay.caughtUp({ timeoutMs: 60_000 });
    await running.stop();
    await expectCountedOnce(relay);
  },
);
