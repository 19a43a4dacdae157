/** What every publisher promises, whichever client is behind it. */
import { OperatingError } from '@diptych/runtime/failure';
import { poll } from '@diptych/runtime/poll';
import { testBrokers, testPrefix } from '@diptych/testkit/for-tests';
import { Consumer } from '@platformatic/kafka';
import { afterEach, describe, expect, test } from 'vitest';
import { createPublisher, type PublisherDriver, publisherDrivers } from './create-publisher.ts';
import { readToEnd } from './partition-reader.ts';
import { partitionOf } from './partitioner.ts';
import type { Publisher, PublisherOptions } from './publisher.ts';
import type { IncomingRecord, OutgoingRecord } from './record.ts';
import { ensureTopics, eventTopicSpec } from './topics.ts';

const partitions = 6;
const timestampMs = 1_795_246_912_669;

const opened: Publisher[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((publisher) => publisher.close()));
});

async function newTopic(config: Record<string, string> = {}): Promise<string> {
  const name = `${testPrefix()}.topic`;
  const spec = eventTopicSpec(name);
  await ensureTopics({ brokers: testBrokers(), specs: [{ ...spec, config: { ...spec.config, ...config } }] });
  return name;
}

/** All committed records, once there are `count`: Kafka writes the markers just after it has answered the commit. */
async function committed(topic: string, count: number): Promise<IncomingRecord[]> {
  const read = async () => {
    const records: IncomingRecord[] = [];
    for await (const one of readToEnd({ brokers: testBrokers(), topics: [topic] })) records.push(one);
    return records.length >= count ? records : undefined;
  };
  return await poll(read, { what: `${count} records in ${topic}`, timeoutMs: 10_000, intervalMs: 5 });
}

function record(topic: string, key: string | null, value: string | null): OutgoingRecord {
  const bytes = (text: string | null) => (text === null ? null : Buffer.from(text));
  return { topic, key: bytes(key), value: bytes(value), headers: [], timestampMs };
}

/** How many offsets are taken, by records of open and aborted transactions and by markers too. */
async function writtenOffsets(topic: string): Promise<bigint> {
  const uncommitted = new Consumer({
    clientId: 'test',
    groupId: 'unused',
    bootstrapBrokers: [...testBrokers()],
  });
  try {
    const offsets = await uncommitted.listOffsets({ topics: [topic], isolationLevel: 0 });
    return offsets.get(topic)?.reduce((sum, offset) => sum + offset, 0n) ?? 0n;
  } finally {
    await uncommitted.close();
  }
}

interface Opening extends Partial<PublisherOptions> {
  readonly driver: PublisherDriver;
  /** Null: without transactions. */
  readonly transactionalId: string | null;
}

function open({ driver, ...change }: Opening): Publisher {
  const publisher = createPublisher(driver, {
    brokers: testBrokers(),
    clientId: 'test',
    transactionTimeoutMs: 30_000,
    requestTimeoutMs: 10_000,
    ...change,
  });
  opened.push(publisher);
  return publisher;
}

async function begun(opening: Opening): Promise<Publisher> {
  const publisher = open(opening);
  await publisher.fence();
  return publisher;
}

const kinds = publisherDrivers.flatMap((driver) =>
  (['with transactions', 'without transactions'] as const).map((kind) => ({ driver, kind })),
);

describe.each(kinds)('a publisher on $driver $kind', ({ driver, kind }) => {
  const isTransactional = kind === 'with transactions';

  const fenced = (transactionalId = testPrefix()) =>
    begun({ driver, transactionalId: isTransactional ? transactionalId : null });

  test('publishes exactly the records, in their order, with key, value, headers and timestamp', async () => {
    const topic = await newTopic();
    const publisher = await fenced();
    const records = Array.from({ length: 300 }, (_, index) => ({
      ...record(topic, `key ${index % 20}`, `value ${index}`),
      headers: [
        ['diptych-tx', `1-00000016B374D848-757-${index}-0-1795246912669491`],
        ['name', 'žluťoučký 🐎'],
        ['empty', ''],
      ] as const,
      timestampMs: timestampMs - index,
    }));
    await publisher.publish(records.slice(0, 100));
    await publisher.publish(records.slice(100, -1), records.at(-1));
    const read = await committed(topic, 300);
    const seen = (
      list: readonly {
        key: Buffer | null;
        value: Buffer | null;
        headers: Iterable<readonly [string, string]>;
        timestampMs: number;
      }[],
    ) =>
      list.map((one) => [
        String(one.key),
        String(one.value),
        Object.fromEntries(one.headers),
        one.timestampMs,
      ]);
    for (let partition = 0; partition < partitions; partition += 1) {
      const expected = records.filter((one) => partitionOf(one.key, partitions) === partition);
      expect(seen(read.filter((one) => one.partition === partition))).toEqual(seen(expected));
    }
  });

  test('timestamps of one batch may lie years apart', async () => {
    const topic = await newTopic();
    const publisher = await fenced();
    const dayMs = 86_400_000;
    const times = [timestampMs, timestampMs - 400 * dayMs, timestampMs - 25 * dayMs, timestampMs];
    await publisher.publish(
      times.map((time, index) => ({ ...record(topic, 'k', `${index}`), timestampMs: time })),
    );
    expect((await committed(topic, times.length)).map((one) => one.timestampMs)).toEqual(times);
  });

  test('closed, it publishes nothing more, and says that as an operating error', async () => {
    const topic = await newTopic();
    const publisher = await fenced();
    await publisher.close();
    await expect(publisher.publish([record(topic, 'a', 'late')])).rejects.toMatchObject({
      code: 'publish-outcome-unknown',
      message: 'the publisher was closed before its batch was sent',
    });
    expect(await writtenOffsets(topic)).toBe(0n);
  });

  test('writes a tombstone as null, an empty value as empty, and a null key to partition 0', async () => {
    const topic = await newTopic();
    const publisher = await fenced();
    await publisher.publish([
      record(topic, null, 'no key'),
      record(topic, 'a', null),
      record(topic, 'a', ''),
    ]);
    const read = await committed(topic, 3);
    expect(read.find((one) => one.key === null)).toMatchObject({
      partition: 0,
      value: Buffer.from('no key'),
    });
    expect(read.filter((one) => one.key !== null).map((one) => one.value)).toEqual([null, Buffer.alloc(0)]);
  });

  test('puts a record that is spread into every partition once', async () => {
    const topic = await newTopic();
    const publisher = await fenced();
    await publisher.publish([
      { ...record(topic, null, 'truncate'), spread: 'every' },
      record(topic, 'k', 'after'),
    ]);
    const truncates = (await committed(topic, 7)).filter((one) => String(one.value) === 'truncate');
    expect(truncates.map((one) => one.partition)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('publishes to several topics at once, and again and again', async () => {
    const topics = [await newTopic(), await newTopic()];
    const publisher = await fenced();
    for (let batch = 0; batch < 50; batch += 1) {
      await publisher.publish(topics.map((topic) => record(topic, 'k', `${batch}`)));
    }
    for (const topic of topics) {
      expect((await committed(topic, 50)).map((one) => Number(one.value))).toEqual(
        Array.from({ length: 50 }, (_, n) => n),
      );
    }
  });

  test('a batch of several MiB for one partition goes through, in order, and as one transaction if there are any', async () => {
    const topic = await newTopic();
    const publisher = await fenced();
    const records = Array.from({ length: 60 }, (_, index) =>
      record(topic, 'k', `${index} ${'x'.repeat(index % 2 ? 100_000 : 10_000)}`),
    );
    await publisher.publish(records);
    const read = await committed(topic, 60);
    expect(read.map((one) => String(one.value))).toEqual(records.map((one) => String(one.value)));
    expect(await writtenOffsets(topic)).toBe(isTransactional ? 61n : 60n); // one marker: one transaction
  });

  test('a record that cannot fit is refused before anything is sent, and the publisher goes on', async () => {
    const topic = await newTopic({ 'max.message.bytes': '5000' });
    const publisher = await fenced();
    const attempt = publisher.publish([record(topic, 'k', 'small'), record(topic, 'k', 'x'.repeat(5000))]);
    await expect(attempt).rejects.toMatchObject({
      code: 'record-too-large',
      message: expect.stringContaining(topic),
    });
    expect(await writtenOffsets(topic)).toBe(0n);
    await publisher.publish([record(topic, 'k', 'x'.repeat(4900))]);
    expect(await committed(topic, 1)).toHaveLength(1);
  });

  test('an unknown topic is refused with a remedy, and nothing is sent to the known one', async () => {
    const topic = await newTopic();
    const publisher = await fenced();
    const attempt = publisher.publish([record(topic, 'k', '1'), record(`${topic}.nobody`, 'k', '2')]);
    await expect(attempt).rejects.toMatchObject({
      code: 'kafka-refused',
      message: expect.stringContaining('nobody'),
    });
    expect(await writtenOffsets(topic)).toBe(0n);
  });

  test('a record goes to the partition it asks for when the topic has it, whatever is agreed for keys', async () => {
    const topic = await newTopic();
    const publisher = await begun({
      driver,
      transactionalId: isTransactional ? testPrefix() : null,
      partitionsOf: () => partitions - 1,
    });
    const asking = { ...record(topic, 'k', 'asked for'), partition: partitions - 1 };
    await publisher.publish([asking]);
    expect((await committed(topic, 1)).map((one) => one.partition)).toEqual([partitions - 1]);
    await expect(publisher.publish([{ ...asking, partition: partitions }])).rejects.toMatchObject({
      code: 'kafka-refused',
      message: expect.stringContaining(`which has ${partitions}`),
      remedy: expect.stringContaining(`at least ${partitions + 1} partitions`),
    });
  });

  test('starting and stopping again and again fences nobody who is alive', async () => {
    const topic = await newTopic();
    const transactionalId = testPrefix();
    for (let start = 0; start < 6; start += 1) {
      const publisher = await fenced(transactionalId);
      await publisher.publish([record(topic, 'k', `${start}`)]);
      await publisher.close();
    }
    expect((await committed(topic, 6)).map((one) => Number(one.value))).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('publishing nothing makes no transaction', async () => {
    const publisher = await fenced();
    await expect(publisher.publish([])).resolves.toBeUndefined();
  });

  test('brokers that do not answer are unreachable, within the bound', async () => {
    const publisher = open({
      driver,
      transactionalId: isTransactional ? testPrefix() : null,
      brokers: ['127.0.0.1:9'],
      requestTimeoutMs: 500,
    });
    const attempt = publisher.fence();
    await expect(attempt).rejects.toThrow(OperatingError);
    await expect(attempt).rejects.toMatchObject({ code: 'kafka-unreachable', retry: 'timed' });
  });
});

describe.each(publisherDrivers)('a publisher with transactions on %s', (driver) => {
  const fenced = (transactionalId: string) => begun({ driver, transactionalId });

  test('a second fence kills the first publisher: it is told, and nothing of it is seen', async () => {
    const topic = await newTopic();
    const transactionalId = testPrefix();
    const zombie = await fenced(transactionalId);
    await zombie.publish([record(topic, 'k', 'before')]);
    const heir = await fenced(transactionalId);
    await expect(zombie.publish([record(topic, 'k', 'zombie')])).rejects.toMatchObject({
      code: 'publisher-fenced',
    });
    await heir.publish([record(topic, 'k', 'heir')]);
    expect((await committed(topic, 2)).map((one) => String(one.value))).toEqual(['before', 'heir']);
  });

  test('a transaction in the making is not seen; closed in the middle, nothing of it is seen after the next fence either', async () => {
    // Each record a send of its own: long enough to be closed before its end.
    const topic = await newTopic({ 'max.message.bytes': '200' });
    const transactionalId = testPrefix();
    const publisher = await fenced(transactionalId);
    const many = Array.from({ length: 5000 }, () => record(topic, 'k', 'x'.repeat(50)));
    const attempt = publisher.publish(many);
    const failure = attempt.catch((error: unknown) => error);
    await expect.poll(() => writtenOffsets(topic), { timeout: 10_000, interval: 5 }).toBeGreaterThan(0n);
    expect(await committed(topic, 0)).toEqual([]);
    await publisher.close();
    expect(await failure).toMatchObject({ code: 'publish-outcome-unknown' });
    const heir = await fenced(transactionalId);
    await heir.publish([record(topic, 'k', 'heir')]);
    expect((await committed(topic, 1)).map((one) => String(one.value))).toEqual(['heir']);
  });
});

describe.each(publisherDrivers)('a publisher without transactions on %s', (driver) => {
  const fenced = () => begun({ driver, transactionalId: null });

  test('nobody is fenced, and what is acknowledged is there', async () => {
    const topic = await newTopic();
    const [first, second] = [await fenced(), await fenced()];
    for (const [index, publisher] of [first, second, first].entries()) {
      await publisher.publish([record(topic, 'k', `${index}`)]);
      expect(await committed(topic, 0)).toHaveLength(index + 1);
    }
  });

  test('closed in the middle of a batch, its beginning is there, without a gap', async () => {
    const topic = await newTopic({ 'max.message.bytes': '200' });
    const publisher = await fenced();
    const many = Array.from({ length: 5000 }, (_, index) => record(topic, 'k', `${index} ${'x'.repeat(50)}`));
    const failure = publisher.publish(many).catch((error: unknown) => error);
    await expect.poll(() => writtenOffsets(topic), { timeout: 10_000, interval: 5 }).toBeGreaterThan(0n);
    await publisher.close();
    expect(await failure).toMatchObject({ code: 'publish-outcome-unknown' });
    const places = (await committed(topic, 1)).map((one) => Number.parseInt(String(one.value), 10));
    expect(places.length).toBeLessThan(5000);
    expect(places).toEqual(places.map((_, index) => index));
  });

  test('it begins when transactions of others have ended in the topics that are read then', async () => {
    const topic = await newTopic({ 'max.message.bytes': '200' });
    const other = await begun({ driver, transactionalId: testPrefix(), transactionTimeoutMs: 1000 });
    const many = Array.from({ length: 5000 }, () => record(topic, 'k', 'x'.repeat(50)));
    const failure = other.publish(many).catch((error: unknown) => error);
    await expect.poll(() => writtenOffsets(topic), { timeout: 10_000, interval: 5 }).toBeGreaterThan(0n);
    await other.close();
    await failure;
    const heir = open({ driver, transactionalId: null, settledTopics: [topic] });
    await heir.fence();
    await heir.publish([record(topic, 'k', 'heir')]);
    expect((await committed(topic, 0)).map((one) => String(one.value))).toEqual(['heir']);
  });
});
