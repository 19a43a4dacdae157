import { testBrokers, testPrefix } from '@diptych/testkit/for-tests';
import kafkajs from 'kafkajs';
import { expect, test } from 'vitest';
import { withAdmin } from './kafkajs-client.ts';
import { describe, ensureTopics, topicSpecs } from './topics.ts';

const admin = () => ({
  brokers: testBrokers(),
  clientId: 'test',
  requestTimeoutMs: 5000,
  limitMs: 5000,
  what: 'asking',
});

async function configOf(name: string, configNames: string[]): Promise<Record<string, string>> {
  const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name, configNames };
  const { resources } = await withAdmin(admin(), async (client) =>
    client.describeConfigs({ resources: [resource], includeSynonyms: false }),
  );
  const entries = resources.flatMap(({ configEntries }) => configEntries);
  return Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue]));
}

test('missing topics come into being with their partitions and settings, and a second time nothing happens', async () => {
  const prefix = testPrefix();
  const specs = topicSpecs({ prefix, slot: 's', eventTopics: [`${prefix}.public.carts`] });
  expect(await ensureTopics({ brokers: testBrokers(), specs })).toEqual(specs.map((spec) => spec.name));
  expect(await ensureTopics({ brokers: testBrokers(), specs })).toEqual([]);
  const names = specs.map((spec) => spec.name);
  const { topics } = await withAdmin(admin(), async (client) => client.fetchTopicMetadata({ topics: names }));
  const counts = new Map(topics.map((topic) => [topic.name, topic.partitions.length]));
  expect(specs.map((spec) => counts.get(spec.name))).toEqual([1, 1, 1, 1, 6]);
  expect(await configOf(`${prefix}.checkpoint.s`, ['cleanup.policy'])).toEqual({
    'cleanup.policy': 'compact',
  });
  expect(await configOf(`${prefix}.public.carts`, ['cleanup.policy', 'retention.ms'])).toEqual({
    'cleanup.policy': 'delete',
    'retention.ms': '-1',
  });
});

test('a topic takes records of any time: a clock that is far ahead is no reason to stop', async () => {
  const name = `${testPrefix()}.topic`;
  await ensureTopics({ brokers: testBrokers(), specs: [{ name, partitions: 1, config: {} }] });
  const kafka = new kafkajs.Kafka({ brokers: [...testBrokers()], logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer();
  await producer.connect();
  const timestamp = String(Date.UTC(2200, 0));
  const answers = await producer.send({ topic: name, messages: [{ value: 'x', timestamp }] });
  await producer.disconnect();
  expect(answers).toMatchObject([{ errorCode: 0 }]);
});

test('several at once get in nobody’s way', async () => {
  const specs = topicSpecs({ prefix: testPrefix(), slot: 's', eventTopics: [] });
  const created = await Promise.all(
    [0, 1, 2, 3].map(async () => ensureTopics({ brokers: testBrokers(), specs })),
  );
  expect(created.flat().toSorted()).toEqual(specs.map((spec) => spec.name).toSorted());
});

test('an existing topic keeps its partitions', async () => {
  const name = `${testPrefix()}.topic`;
  await ensureTopics({ brokers: testBrokers(), specs: [{ name, partitions: 2, config: {} }] });
  await ensureTopics({ brokers: testBrokers(), specs: [{ name, partitions: 6, config: {} }] });
  const { topics } = await withAdmin(admin(), async (client) =>
    client.fetchTopicMetadata({ topics: [name] }),
  );
  expect(topics[0]?.partitions).toHaveLength(2);
});

test('topics get the replication factor that is asked for, or none when there are too few brokers', async () => {
  const specs = [{ name: `${testPrefix()}.topic`, partitions: 1, config: {} }];
  const { brokers: count } = await describe(testBrokers());
  await expect(
    ensureTopics({ brokers: testBrokers(), specs, replicationFactor: count + 1 }),
  ).rejects.toMatchObject({ code: 'topic-not-creatable' });
  await ensureTopics({ brokers: testBrokers(), specs, replicationFactor: 1 });
  const { topics } = await withAdmin(admin(), async (client) =>
    client.fetchTopicMetadata({ topics: specs.map(({ name }) => name) }),
  );
  expect(topics[0]?.partitions[0]?.replicas).toHaveLength(1);
});

test('a topic that Kafka does not want is not creatable, and the error names it', async () => {
  const name = `${testPrefix()}.topic`;
  const specs = [{ name, partitions: 1, config: { 'cleanup.policy': 'shred' } }];
  await expect(ensureTopics({ brokers: testBrokers(), specs })).rejects.toMatchObject({
    code: 'topic-not-creatable',
    message: expect.stringContaining(name),
  });
});

test('a cluster that answers tells its id; one that does not is unreachable', async () => {
  expect(await describe(testBrokers())).toEqual({
    clusterId: expect.any(String),
    brokers: expect.any(Number),
  });
  await expect(describe(['127.0.0.1:9'], 3000)).rejects.toMatchObject({ code: 'kafka-unreachable' });
});

test('kafkajs does not warn of negative timeouts', async () => {
  const warnings: string[] = [];
  const onWarning = (warning: Error) => void warnings.push(warning.name);
  process.on('warning', onWarning);
  for (let call = 0; call < 3; call += 1) await describe(testBrokers());
  process.off('warning', onWarning);
  expect(warnings).not.toContain('TimeoutNegativeWarning');
});
