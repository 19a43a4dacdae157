/** The checkpoint that counts is the last one whose Kafka transaction committed. */
import { testBrokers, testPrefix } from '@diptych/testkit/for-tests';
import { lsn, lsnZero } from '@diptych/wal/lsn';
import { afterEach, expect, test } from 'vitest';
import { type Checkpoint, checkpointRecord, readCheckpoint } from './checkpoint.ts';
import { createPublisher } from './create-publisher.ts';
import type { Publisher } from './publisher.ts';
import type { OutgoingRecord } from './record.ts';
import { ensureTopics, ownTopicNames, topicSpecs } from './topics.ts';

const slot = 'shop';
const opened: Publisher[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((publisher) => publisher.close()));
});

async function newTopic(): Promise<string> {
  const names = { prefix: testPrefix(), slot };
  await ensureTopics({ brokers: testBrokers(), specs: topicSpecs({ ...names, eventTopics: [] }) });
  return ownTopicNames(names).checkpoint;
}

async function fenced(topic: string): Promise<Publisher> {
  const publisher = createPublisher('platformatic', {
    brokers: testBrokers(),
    clientId: 'test',
    transactionalId: topic,
    transactionTimeoutMs: 30_000,
    requestTimeoutMs: 10_000,
  });
  opened.push(publisher);
  await publisher.fence();
  return publisher;
}

function at(position: bigint): Checkpoint {
  return {
    v: 1,
    slot,
    systemId: '7421896543210987654',
    database: 'shop',
    timeline: 1,
    era: 1795246912669,
    lsn: lsn(position),
    part: null,
    reportedLsn: lsnZero,
    optionsHash: '',
    publications: {},
    partitions: {},
    snapshot: null,
  };
}

const record = (topic: string, position: bigint): OutgoingRecord =>
  checkpointRecord(at(position), { topic, timestampMs: Date.now() });

const read = async (topic: string) => await readCheckpoint({ brokers: testBrokers(), topic, slot });

test('an empty topic holds none', async () => {
  expect(await read(await newTopic())).toBeNull();
});

test('after a fence the last published one is read, at once', async () => {
  const topic = await newTopic();
  for (let start = 1n; start <= 5n; start += 1n) {
    const publisher = await fenced(topic);
    for (let batch = 1n; batch <= 3n; batch += 1n)
      await publisher.publish([record(topic, start * 10n + batch)]);
    await fenced(topic);
    expect(await read(topic)).toEqual(at(start * 10n + 3n));
  }
});

test('one whose transaction never ended is not read after the fence', async () => {
  const topic = await newTopic();
  const publisher = await fenced(topic);
  await publisher.publish([record(topic, 1n)]);
  const many = Array.from({ length: 100 }, () => ({ ...record(topic, 2n), value: Buffer.alloc(500_000) }));
  const attempt = publisher.publish([record(topic, 2n), ...many]);
  const failure = attempt.catch((error: unknown) => error);
  await publisher.close();
  expect(await failure).toMatchObject({ code: 'publish-outcome-unknown' });
  await fenced(topic);
  expect(await read(topic)).toEqual(at(1n));
});

test('another slot’s is not taken for ours, however many follow', async () => {
  const topic = await newTopic();
  const publisher = await fenced(topic);
  await publisher.publish([record(topic, 1n)]);
  const other = { ...record(topic, 2n), key: Buffer.from('other') };
  await publisher.publish(Array.from({ length: 200 }, () => other));
  await fenced(topic);
  expect(await read(topic)).toEqual(at(1n));
});

test('one that says less after one that says more takes nothing back', async () => {
  const topic = await newTopic();
  const publisher = await fenced(topic);
  for (const position of [5n, 9n, 7n]) await publisher.publish([record(topic, position)]);
  await fenced(topic);
  expect(await read(topic)).toEqual(at(9n));
});

test('a checkpoint topic that does not exist is refused', async () => {
  await expect(read(`${testPrefix()}.checkpoint`)).rejects.toMatchObject({ code: 'kafka-refused' });
});

test('reading ends within its bound when Kafka does not answer', async () => {
  const nowhere = readCheckpoint({ brokers: ['127.0.0.1:9'], topic: 't', slot, timeoutMs: 300 });
  await expect(nowhere).rejects.toMatchObject({ code: 'kafka-unreachable' });
});
