/** The reader without a group sees what Kafka's own algorithm shows: committed records, all of them, in order. */
import { present } from '@diptych/runtime/assert';
import { poll } from '@diptych/runtime/poll';
import { testBrokers, testPrefix } from '@diptych/testkit/for-tests';
import { CompressionTypes, Partitioners, type Producer, type Transaction } from 'kafkajs';
import { afterEach, expect, test } from 'vitest';
import { createKafka } from './kafkajs-client.ts';
import { follow, readToEnd } from './partition-reader.ts';
import type { IncomingRecord } from './record.ts';
import { ensureTopics } from './topics.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const kafka = () => createKafka({ brokers: testBrokers(), clientId: 'test', requestTimeoutMs: 10_000 });

async function newTopic(partitions: number, name = `${testPrefix()}.topic`): Promise<string> {
  await ensureTopics({ brokers: testBrokers(), specs: [{ name, partitions, config: {} }] });
  return name;
}

async function newProducer(transactional = true): Promise<Producer> {
  const producer = kafka().producer({
    ...(transactional ? { transactionalId: testPrefix() } : {}),
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: { initialRetryTime: 5, retries: 20 },
  });
  await producer.connect();
  closers.push(() => producer.disconnect());
  return producer;
}

const place = ({ topic, partition, offset, value }: IncomingRecord) =>
  `${topic} ${partition} ${offset} ${String(value)}`;
const byPlace = (records: readonly IncomingRecord[]) =>
  records.toSorted((a, b) => a.partition - b.partition || Number(a.offset - b.offset)).map(place);

async function whole(
  topic: string,
  from?: Parameters<typeof readToEnd>[0]['from'],
): Promise<IncomingRecord[]> {
  const records: IncomingRecord[] = [];
  const options = { brokers: testBrokers(), topics: [topic], ...(from ? { from } : {}) };
  for await (const record of readToEnd(options)) records.push(record);
  return records;
}

/** What kafkajs's read_committed consumer has delivered so far. */
async function referenceReader(topic: string): Promise<IncomingRecord[]> {
  const consumer = kafka().consumer({ groupId: testPrefix(), maxWaitTimeInMs: 50 });
  await consumer.connect();
  closers.push(() => consumer.disconnect());
  await consumer.subscribe({ topic, fromBeginning: true });
  const records: IncomingRecord[] = [];
  await consumer.run({
    eachMessage: async ({ partition, message: { offset, key, value, timestamp } }) => {
      const rest = { key, value, headers: new Map<string, string>(), timestampMs: Number(timestamp) };
      records.push({ topic, partition, offset: BigInt(offset), ...rest });
    },
  });
  return records;
}

/** A reader that goes on until the test ends. */
function following(options: Omit<Parameters<typeof follow>[0], 'brokers' | 'signal'>): IncomingRecord[] {
  const controller = new AbortController();
  const records: IncomingRecord[] = [];
  const work = (async () => {
    for await (const record of follow({ ...options, brokers: testBrokers(), signal: controller.signal })) {
      records.push(record);
    }
  })();
  closers.push(async () => {
    controller.abort();
    await work;
  });
  return records;
}

const values = (records: readonly IncomingRecord[]) => records.map((record) => String(record.value));

/** A producer with the transaction it has open, and how many records that has. */
interface Writer {
  readonly producer: Producer;
  transaction: Transaction | null;
  records: number;
}

async function write(
  writer: Writer,
  message: { topic: string; partition: number; value: string },
): Promise<void> {
  writer.transaction ??= await writer.producer.transaction();
  const { topic, ...rest } = message;
  await writer.transaction.send({ topic, messages: [rest] });
  writer.records += 1;
}

/** Returns how many records were committed. */
async function end(writer: Writer, how: 'commit' | 'abort'): Promise<number> {
  const committed = how === 'commit' ? writer.records : 0;
  await writer.transaction?.[how]();
  writer.transaction = null;
  writer.records = 0;
  return committed;
}

test('of interleaved committed, aborted and open transactions it reads what kafkajs reads', async () => {
  const partitions = 3;
  const topic = await newTopic(partitions);
  const producers = await Promise.all([newProducer(), newProducer(), newProducer()]);
  const writers = producers.map((producer): Writer => ({ producer, transaction: null, records: 0 }));
  let committed = 0;
  for (let step = 0; step < 400; step += 1) {
    // Any fixed sequence that mixes well does.
    const dice = (step * 7919 + step * step * 31) % 1009;
    const writer = present(writers[dice % writers.length], 'a writer');
    if (dice % 10 < 7) await write(writer, { topic, partition: dice % partitions, value: `${step}` });
    else committed += await end(writer, dice % 10 === 7 ? 'abort' : 'commit');
  }
  for (const writer of writers) {
    for (let partition = 0; partition < partitions; partition += 1) {
      await write(writer, { topic, partition, value: 'open' });
    }
  }
  const reference = await referenceReader(topic);
  const referenceHas = async (count: number): Promise<void> => {
    const enough = () => (reference.length >= count ? true : undefined);
    await poll(enough, { what: `${count} records in kafkajs`, timeoutMs: 20_000 });
  };
  const upToOpen = await whole(topic);
  expect(upToOpen.length).toBeGreaterThan(50);
  expect(values(upToOpen)).not.toContain('open');
  await referenceHas(upToOpen.length);
  expect(byPlace(reference)).toEqual(byPlace(upToOpen));

  for (const writer of writers) committed += await end(writer, 'commit');
  await referenceHas(committed);
  const all = await whole(topic);
  expect(all).toHaveLength(committed);
  expect(byPlace(all)).toEqual(byPlace(reference));
  expect(all.map(place)).toEqual(byPlace(all));
});

test('compressed batches and records outside of transactions are read', async () => {
  const topic = await newTopic(1);
  const producer = await newProducer(false);
  const messages = Array.from({ length: 500 }, (_, index) => ({
    value: `${index}`,
    headers: { n: `${index}` },
  }));
  await producer.send({ topic, compression: CompressionTypes.GZIP, messages });
  const records = await whole(topic);
  expect(values(records)).toEqual(messages.map((message) => message.value));
  expect(records.map((record) => record.headers.get('n'))).toEqual(messages.map((message) => message.value));
});

test('it reads an empty topic, from given offsets, and the last few', async () => {
  const topic = await newTopic(2);
  expect(await whole(topic)).toEqual([]);
  const producer = await newProducer(false);
  const messages = [0, 1, 2, 3].map((n) => ({ partition: 1, value: `${n}` }));
  await producer.send({ topic, messages });
  expect(values(await whole(topic, new Map([[topic, [0n, 3n]]])))).toEqual(['3']);
  expect(values(await whole(topic, { last: 2n }))).toEqual(['2', '3']);
});

test('what retention removed is said, not skipped', async () => {
  const topic = await newTopic(1);
  const producer = await newProducer(false);
  await producer.send({ topic, messages: [0, 1, 2].map((n) => ({ value: `${n}` })) });
  const admin = kafka().admin();
  await admin.connect();
  closers.push(() => admin.disconnect());
  // kafkajs deletes only in topics whose metadata it has.
  await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '2' }] });
  expect(values(await whole(topic))).toEqual(['2']);
  await expect(whole(topic, new Map([[topic, [0n]]]))).rejects.toMatchObject({ code: 'records-expired' });
});

test('an unknown topic is refused, an unreachable broker is said within the bound, an abort ends reading', async () => {
  await expect(whole(`${testPrefix()}.nobody`)).rejects.toMatchObject({ code: 'kafka-refused' });
  const nowhere = readToEnd({ brokers: ['127.0.0.1:9'], topics: ['t'], stallTimeoutMs: 200 });
  await expect(nowhere.next()).rejects.toMatchObject({ code: 'kafka-unreachable' });
  const reason = new Error('enough');
  const aborted = readToEnd({ brokers: testBrokers(), topics: ['t'], signal: AbortSignal.abort(reason) });
  await expect(aborted.next()).rejects.toBe(reason);
});

test('a topic that Kafka shows a moment later is read, not refused', async () => {
  const topic = `${testPrefix()}.topic`;
  const reading = whole(topic);
  await newTopic(1, topic);
  expect(await reading).toEqual([]);
});

test('follow gives committed records as they come, and topics that come into being later', async () => {
  const prefix = testPrefix();
  const first = await newTopic(2, `${prefix}.first`);
  const producer = await newProducer();
  const send = async (topic: string, value: string, end: 'commit' | 'abort' = 'commit') => {
    const transaction = await producer.transaction();
    await transaction.sendBatch({
      topicMessages: [{ topic, messages: [0, 1].map((partition) => ({ partition, value })) }],
    });
    await transaction[end]();
  };
  await send(first, 'before');
  const all = following({ topics: new RegExp(`^${prefix}\\.`, 'g'), topicsIntervalMs: 100 });
  const fresh = following({ topics: [first, `${prefix}.second`], from: 'end', topicsIntervalMs: 100 });
  await poll(() => (all.length >= 2 ? true : undefined), {
    what: 'what was there before',
    timeoutMs: 10_000,
  });
  // `from: 'end'` takes effect when the reader has begun; until it shows something, more is sent.
  const probe = async () => {
    await send(first, 'probe');
    return fresh.length > 0 ? true : undefined;
  };
  await poll(probe, { what: 'the reader at the end', timeoutMs: 10_000, intervalMs: 100 });
  await send(first, 'aborted', 'abort');
  const second = await newTopic(2, `${prefix}.second`);
  await send(second, 'late');
  for (const records of [all, fresh]) {
    const late = () => records.filter((record) => record.topic === second);
    await poll(() => (late().length >= 2 ? true : undefined), { what: 'the late topic', timeoutMs: 10_000 });
    expect(values(late())).toEqual(['late', 'late']);
    expect(values(records)).not.toContain('aborted');
  }
  expect(values(all).slice(0, 2)).toEqual(['before', 'before']);
  expect(values(fresh)).not.toContain('before');
  expect(new Set(all.map(place)).size).toBe(all.length);
});

test('follow without topics or brokers waits, and ends quietly', async () => {
  const controller = new AbortController();
  const troubles: string[] = [];
  const nothing = follow({
    brokers: ['127.0.0.1:9'],
    topics: ['t'],
    signal: controller.signal,
    onTrouble: ({ code }) => {
      troubles.push(code);
      if (troubles.length === 3) controller.abort();
    },
  });
  expect(await nothing.next()).toEqual({ done: true, value: undefined });
  expect(troubles).toEqual(['kafka-unreachable', 'kafka-unreachable', 'kafka-unreachable']);
});
