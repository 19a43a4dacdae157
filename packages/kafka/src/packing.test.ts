import { createRecordsBatch } from '@platformatic/kafka';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  batchOverheadBytes,
  PackedTopic,
  Packing,
  type PackingLimits,
  PackingMemory,
  type Place,
  recordBytes,
  type Send,
} from './packing.ts';
import type { OutgoingRecord } from './record.ts';

const limits: PackingLimits = {
  sendBytesMax: 100_000,
  sendRecordsMax: 100,
  isAtomic: true,
};

interface PlacedRecord {
  readonly record: OutgoingRecord;
  readonly partition: number;
}

function placed(value: string, partition = 0, topic = 'a'): PlacedRecord {
  return {
    record: { topic, key: null, value: Buffer.from(value), headers: [], timestampMs: 1 },
    partition,
  };
}

function sendsOf(
  records: readonly PlacedRecord[],
  change: Partial<PackingLimits> = {},
  memory?: PackingMemory,
  topicOf = topicsOf(),
): readonly Send[] {
  const packing = new Packing({ ...limits, ...change }, memory);
  for (const { record, partition } of records)
    expect(packing.add(record, { topic: topicOf(record.topic), partition })).toBeNull();
  return packing.end();
}

/** Each topic once. */
function topicsOf(bytesMax = 1000): (name: string) => PackedTopic {
  const topics = new Map<string, PackedTopic>();
  return (name) => {
    const topic = topics.get(name) ?? new PackedTopic(name, bytesMax);
    topics.set(name, topic);
    return topic;
  };
}

const recordsOf = ({ list, from, to }: Place): readonly OutgoingRecord[] => list.slice(from, to);
const lengthOf = (send: Send): number => send.reduce((sum, place) => sum + recordsOf(place).length, 0);

/** What the client really makes of one partition's records. */
function encodedBytes(records: readonly OutgoingRecord[]): number {
  const messages = records.map((record) => ({
    topic: record.topic,
    partition: 0,
    ...(record.key === null ? {} : { key: record.key }),
    value: record.value ?? Buffer.alloc(0),
    headers: new Map(record.headers.map(([name, value]) => [Buffer.from(name), Buffer.from(value)])),
    timestamp: BigInt(record.timestampMs),
  }));
  return createRecordsBatch(messages, {}).length;
}

test('without a transaction a record that vouches for others waits until they are acknowledged', () => {
  const word = { ...placed('word'), record: { ...placed('word').record, vouches: true } };
  const records = [placed('a'), placed('b'), word, placed('c')];
  expect(sendsOf(records, { isAtomic: false }).map(lengthOf)).toEqual([2, 2]);
  expect(sendsOf(records).map(lengthOf)).toEqual([4]);
  expect(sendsOf([word], { isAtomic: false })).toHaveLength(1);
});

test('nothing makes no send', () => {
  expect(sendsOf([])).toEqual([]);
});

test('records that fit go in one send, in their order', () => {
  const records = [placed('1'), placed('2', 1), placed('3')];
  const [first, second, third] = records.map(({ record }) => record);
  const [send = [], ...others] = sendsOf(records);
  expect(others).toEqual([]);
  expect(
    send.map((place) => ({ topic: place.topic, partition: place.partition, records: recordsOf(place) })),
  ).toEqual([
    { topic: 'a', partition: 0, records: [first, third] },
    { topic: 'a', partition: 1, records: [second] },
  ]);
});

test('a batch that would pass max.message.bytes starts a new send', () => {
  const records = [placed('x'.repeat(600)), placed('y'.repeat(600)), placed('z')];
  expect(sendsOf(records).map(lengthOf)).toEqual([1, 2]);
});

test('the limit is counted per partition and per topic', () => {
  const records = [placed('x'.repeat(600)), placed('y'.repeat(600), 1), placed('z'.repeat(600), 0, 'b')];
  expect(sendsOf(records)).toHaveLength(1);
});

test('a send is bounded in bytes and in records over all partitions', () => {
  const records = Array.from({ length: 10 }, (_, index) => placed('x'.repeat(100), index));
  expect(sendsOf(records, { sendBytesMax: 400 }).map(lengthOf)).toEqual([3, 3, 3, 1]);
  expect(sendsOf(records, { sendRecordsMax: 4 }).map(lengthOf)).toEqual([4, 4, 2]);
});

test('a record that fits nowhere is named, and not packed', () => {
  const packing = new Packing(limits);
  const topicOf = topicsOf();
  packing.add(placed('a').record, { topic: topicOf('a'), partition: 0 });
  const long = placed('x'.repeat(2000), 0, 'big');
  expect(packing.add(long.record, { topic: topicOf('big'), partition: 0 })).toMatchObject({
    topic: 'big',
    bytesMax: 1000,
  });
  expect(packing.end().map(lengthOf)).toEqual([1]);
});

test('the size of a batch is never underestimated, and overestimated by little', () => {
  const text = fc.string({ maxLength: 300, unit: 'grapheme' });
  const record = fc.record({
    topic: fc.constant('a'),
    key: fc.option(fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))),
    value: fc.uint8Array({ maxLength: 20_000 }).map((bytes) => Buffer.from(bytes)),
    headers: fc.uniqueArray(fc.tuple(text, text), { maxLength: 4, selector: ([name]) => name }),
    timestampMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
  });
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 20 }), (records) => {
      const estimate = batchOverheadBytes + records.reduce((sum, one) => sum + recordBytes(one), 0);
      const truth = encodedBytes(records);
      expect(estimate).toBeGreaterThanOrEqual(truth);
      expect(estimate - truth).toBeLessThanOrEqual(18 * records.length);
    }),
    { numRuns: 200 },
  );
});

test('what is packed where another batch was is what it is elsewhere, and a cleared memory holds no record', () => {
  const one = fc.tuple(
    fc.integer({ min: 0, max: 900 }),
    fc.integer({ min: 0, max: 3 }),
    fc.constantFrom('a', 'b'),
  );
  const batch = fc.array(one, { maxLength: 30 });
  fc.assert(
    fc.property(fc.array(fc.tuple(batch, batch), { maxLength: 4 }), (batches) => {
      const [memory, topicOf] = [new PackingMemory(), topicsOf()];
      const allOf = (plan: readonly [number, number, string][]) =>
        plan.map(([size, partition, topic]) => placed('x'.repeat(size), partition, topic));
      for (const [refused, plan] of batches) {
        // One that is not packed to its end.
        const packing = new Packing(limits, memory);
        for (const { record, partition } of allOf(refused))
          packing.add(record, { topic: topicOf(record.topic), partition });
        const records = allOf(plan);
        const told = (sends: readonly Send[]) =>
          sends.map((send) => send.map((place) => [place.topic, place.partition, recordsOf(place)]));
        expect(told(sendsOf(records, {}, memory, topicOf))).toEqual(told(sendsOf(records)));
        memory.clear();
        const held = new Set([...memory.records, ...memory.list].map(({ value }) => value));
        expect([...held].filter((value) => value !== null)).toEqual([]);
      }
    }),
  );
});

test('packing keeps every record once, in order, within every limit', () => {
  const one = fc.tuple(
    fc.integer({ min: 0, max: 900 }),
    fc.integer({ min: 0, max: 3 }),
    fc.constantFrom('a', 'b'),
  );
  fc.assert(
    fc.property(fc.array(one, { maxLength: 60 }), (plan) => {
      const records = plan.map(([size, partition, topic]) => placed('x'.repeat(size), partition, topic));
      const sends = sendsOf(records, { sendRecordsMax: 7 });
      const placeOf = ({ topic, partition }: { topic: string; partition: number }) => `${topic}/${partition}`;
      const asked = Object.groupBy(records, ({ record, partition }) =>
        placeOf({ topic: record.topic, partition }),
      );
      const packed = Object.groupBy(sends.flat(), placeOf);
      for (const place of new Set([...Object.keys(asked), ...Object.keys(packed)]))
        expect(packed[place]?.flatMap(recordsOf)).toEqual(asked[place]?.map(({ record }) => record));
      for (const send of sends) {
        expect(lengthOf(send)).toBeLessThanOrEqual(7);
        expect(new Set(send.map(placeOf)).size).toBe(send.length);
        const runs = send.filter(({ topic }, at) => topic !== send[at - 1]?.topic);
        expect(new Set(send.map(({ topic }) => topic)).size).toBe(runs.length);
        for (const place of send) expect(encodedBytes(recordsOf(place))).toBeLessThanOrEqual(1000);
      }
      const indexes = new Map(records.map(({ record }, index) => [record, index]));
      const order = sends.map((send) =>
        send.flatMap((place) => recordsOf(place).map((one) => indexes.get(one) ?? -1)),
      );
      expect(order.flatMap((ofSend) => ofSend.toSorted((x, y) => x - y))).toEqual([...records.keys()]);
    }),
  );
});
