/**
 * Proves that a topic of others, on a broker that is dead, is none of our business: `diptych init` makes its topics, the relay
 * starts, learns limits, makes the topic of a new event and publishes, while that topic has no leader.
 */
import { FetchClient } from '@diptych/kafka/fetch-client';
import { withAdmin } from '@diptych/kafka/kafkajs-client';
import { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { poll } from '@diptych/runtime/poll';
import { testDatabase } from '@diptych/testkit/for-tests';
import { type KafkaCluster, startKafkaCluster } from '@diptych/testkit/kafka-cluster';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { publishedIds } from './shop-for-tests.ts';

const foreign = 'of-another-team';
const deadBroker = 2;

let cluster: KafkaCluster;
beforeAll(async () => {
  cluster = await startKafkaCluster({ brokers: 2 });
  const limits = { requestTimeoutMs: 10_000, limitMs: 30_000 };
  const options = { brokers: cluster.brokers, clientId: 'test', ...limits, what: 'making a topic' };
  const replicaAssignment = [{ partition: 0, replicas: [deadBroker] }];
  await withAdmin(options, (admin) =>
    admin.createTopics({ topics: [{ topic: foreign, replicaAssignment }] }),
  );
  await cluster.node(deadBroker).kill();
  await poll(async () => ((await leaderOf(foreign)) === -1 ? true : undefined), {
    what: `${foreign} has no leader`,
    timeoutMs: 60_000,
    intervalMs: 200,
  });
}, 180_000);
afterAll(() => cluster?.stop());

let relay: RelayUnderTest;
afterEach(() => relay.close());

async function leaderOf(topic: string): Promise<number | undefined> {
  const client = new FetchClient({ brokers: cluster.brokers, requestTimeoutMs: 5000 });
  try {
    return (await client.topics([topic])).get(topic)?.leaders[0];
  } finally {
    await client.close();
  }
}

test('a topic of others without a leader hinders neither init nor the relay', {
  timeout: 180_000,
}, async () => {
  relay = await RelayUnderTest.create({}, { database: testDatabase, brokers: cluster.brokers });
  await relay.initialise();
  const running = relay.start();
  await relay.active(running);
  await relay.sql.query('insert into carts (id) values (1)');
  await relay.sql.query(
    `insert into outbox (aggregatetype, aggregateid, type, payload) values ('new', '1', 'Made', '{}')`,
  );
  await relay.caughtUp({ timeoutMs: 60_000 });
  await running.stop();
  expect(await publishedIds(relay)).toEqual([1]);
  expect(await relay.records(relay.domainTopic('new'))).toHaveLength(1);
  expect(await leaderOf(foreign)).toBe(-1);
});
