import { createLogger } from '@diptych/runtime/log';
import { poll } from '@diptych/runtime/poll';
import { testBrokers, testPrefix } from '@diptych/testkit/for-tests';
import { afterEach, expect, test } from 'vitest';
import { type ConsumerOptions, type RunningConsumer, startConsumer } from './consumer.ts';
import { createPublisher } from './create-publisher.ts';
import type { IncomingRecord } from './record.ts';
import { ensureTopics } from './topics.ts';

const log = createLogger('test', { level: 'silent' });
const running: RunningConsumer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((consumer) => consumer.stop()));
});

async function newTopic(): Promise<string> {
  const name = `${testPrefix()}.topic`;
  await ensureTopics({ brokers: testBrokers(), specs: [{ name, partitions: 2, config: {} }] });
  return name;
}

async function publish(topic: string, values: readonly string[]): Promise<void> {
  const publisher = createPublisher('platformatic', {
    brokers: testBrokers(),
    clientId: 'test',
    transactionalId: topic,
    transactionTimeoutMs: 30_000,
    requestTimeoutMs: 10_000,
  });
  await publisher.fence();
  const headers = [['eventType', 'ItemAdded']] as const;
  const common = { topic, key: Buffer.from('k'), headers, timestampMs: 1_795_246_912_669 };
  await publisher.publish(values.map((value) => ({ ...common, value: Buffer.from(value) })));
  await publisher.close();
}

async function start(
  change: Pick<ConsumerOptions, 'groupId' | 'topics' | 'onRecord'>,
): Promise<RunningConsumer> {
  const consumer = await startConsumer({ brokers: testBrokers(), fromBeginning: true, log, ...change });
  running.push(consumer);
  return consumer;
}

const until = async (what: string, condition: () => boolean): Promise<void> => {
  await poll(() => (condition() ? true : undefined), { what, timeoutMs: 20_000, intervalMs: 10 });
};

test('records come parsed, in order', async () => {
  const topic = await newTopic();
  await publish(topic, ['1', '2', '3']);
  const seen: IncomingRecord[] = [];
  await start({ groupId: topic, topics: [topic], onRecord: async (record) => void seen.push(record) });
  await until('three records', () => seen.length >= 3);
  expect(seen.map((record) => String(record.value))).toEqual(['1', '2', '3']);
  expect(seen[0]).toMatchObject({
    topic,
    offset: 0n,
    key: Buffer.from('k'),
    headers: new Map([['eventType', 'ItemAdded']]),
    timestampMs: 1_795_246_912_669,
  });
});

test('a record whose handler fails is tried again until it is handled, and none behind it goes first', async () => {
  const topic = await newTopic();
  await publish(topic, ['1', '2', '3']);
  const tried: string[] = [];
  await start({
    groupId: topic,
    topics: [topic],
    onRecord: async ({ value }) => {
      tried.push(String(value));
      if (tried.length < 4 && String(value) === '2') throw new Error('not now');
    },
  });
  await until('all three', () => tried.includes('3'));
  expect(tried).toEqual(['1', '2', '2', '2', '3']);
});

test('a group goes on where it stopped: nothing handled twice, nothing skipped, not even what failed', async () => {
  const topic = await newTopic();
  await publish(topic, ['1', '2', '3']);
  const first: string[] = [];
  const fails = await start({
    groupId: topic,
    topics: [topic],
    onRecord: async ({ value }) => {
      first.push(String(value));
      if (String(value) === '2') throw new Error('never');
    },
  });
  await until('the record that fails', () => first.includes('2'));
  await fails.stop();
  const second: string[] = [];
  await start({
    groupId: topic,
    topics: [topic],
    onRecord: async ({ value }) => void second.push(String(value)),
  });
  await until('the rest', () => second.includes('3'));
  expect(second).toEqual(['2', '3']);
});

test('stopping lets the record in work come to its end', async () => {
  const topic = await newTopic();
  await publish(topic, ['1', '2']);
  const steps: string[] = [];
  const { promise: go, resolve } = Promise.withResolvers<void>();
  const consumer = await start({
    groupId: topic,
    topics: [topic],
    onRecord: async ({ value }) => {
      steps.push(`begin ${String(value)}`);
      await go;
      steps.push(`end ${String(value)}`);
    },
  });
  await until('the first record', () => steps.length > 0);
  const stopped = consumer.stop().then(() => steps.push('stopped'));
  resolve();
  await stopped;
  expect(steps).toEqual(['begin 1', 'end 1', 'stopped']);
});

test('brokers that do not answer are said at the start', async () => {
  const attempt = startConsumer({
    brokers: ['127.0.0.1:9'],
    groupId: 'g',
    topics: ['t'],
    fromBeginning: true,
    onRecord: async () => undefined,
    log,
  });
  await expect(attempt).rejects.toMatchObject({ code: 'kafka-unreachable' });
});
