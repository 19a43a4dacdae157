/** A broker that throttles a reader answers at once, without the partition that was asked for, and then not for a while. */
import { testBrokers, testPrefix } from '@diptych/testkit/for-tests';
import { Admin } from '@platformatic/kafka';
import { Partitioners } from 'kafkajs';
import { afterEach, expect, test } from 'vitest';
import { createKafka } from './kafkajs-client.ts';
import { readToEnd } from './partition-reader.ts';
import { ensureTopics } from './topics.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Bytes a second of every reader of ours on the run's broker, until the test ends. */
async function limitReaders(bytesPerSecond: number): Promise<void> {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [...testBrokers()] });
  closers.push(() => admin.close());
  const entities = [{ entityType: 'client-id' as const, entityName: 'diptych-reader' }];
  const key = 'consumer_byte_rate' as const;
  await admin.alterClientQuotas({
    entries: [{ entities, ops: [{ key, value: bytesPerSecond, remove: false }] }],
  });
  closers.push(() => admin.alterClientQuotas({ entries: [{ entities, ops: [{ key, remove: true }] }] }));
}

test('a reader that the broker throttles waits, and reads all', async () => {
  const topic = `${testPrefix()}.topic`;
  await ensureTopics({ brokers: testBrokers(), specs: [{ name: topic, partitions: 1, config: {} }] });
  const kafka = createKafka({ brokers: testBrokers(), clientId: 'test', requestTimeoutMs: 10_000 });
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  closers.push(() => producer.disconnect());
  // Ten seconds' worth is what one answer may hold (quota.window.num): more than that has to be throttled.
  await limitReaders(4096);
  for (let batch = 0; batch < 12; batch += 1)
    await producer.send({ topic, messages: [{ value: Buffer.alloc(4096, batch) }] });
  const read: (number | undefined)[] = [];
  for await (const { value } of readToEnd({ brokers: testBrokers(), topics: [topic] })) read.push(value?.[0]);
  expect(read).toEqual(Array.from({ length: 12 }, (_, batch) => batch));
});
