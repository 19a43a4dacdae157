import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { expect, test } from 'vitest';
import { testBrokers, testPrefix } from './for-tests.ts';

test('a record of a committed Kafka transaction is read back, one of an aborted transaction is not', async () => {
  const prefix = testPrefix();
  const topic = `${prefix}.round-trip`;
  const kafka = new Kafka({
    brokers: [...testBrokers()],
    clientId: prefix,
    logLevel: logLevel.NOTHING,
    // The topics of the coordinators are created by their first user, who waits for them.
    retry: { initialRetryTime: 20, retries: 15 },
  });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
  const producer = kafka.producer({
    transactionalId: prefix,
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const aborted = await producer.transaction();
  await aborted.send({ topic, messages: [{ value: 'aborted' }] });
  await aborted.abort();
  const committed = await producer.transaction();
  await committed.send({ topic, messages: [{ value: 'committed' }] });
  await committed.commit();

  const consumer = kafka.consumer({ groupId: prefix, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const read: (string | undefined)[] = [];
  await consumer.run({ eachMessage: async ({ message }) => void read.push(message.value?.toString()) });
  await expect.poll(() => read, { timeout: 20_000 }).toEqual(['committed']);
  await Promise.all([consumer.disconnect(), producer.disconnect(), admin.disconnect()]);
});

test('a topic that nobody created does not come into being by being asked for', async () => {
  const topic = `${testPrefix()}.nobody`;
  const kafka = new Kafka({ brokers: [...testBrokers()], logLevel: logLevel.NOTHING, retry: { retries: 0 } });
  const [producer, admin] = [
    kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, allowAutoTopicCreation: true }),
    kafka.admin(),
  ];
  await Promise.all([producer.connect(), admin.connect()]);
  await expect(producer.send({ topic, messages: [{ value: '1' }] })).rejects.toThrow(/topic-partition/);
  // The broker makes a topic before it answers the next request of the same kind.
  await admin.createTopics({ topics: [{ topic: `${topic}.else` }] });
  expect(await admin.listTopics()).not.toContain(topic);
  await Promise.all([producer.disconnect(), admin.disconnect()]);
});
