import { expect, test } from 'vitest';
import type { RecordsBatch } from './fetch-client.ts';
import { committedRecords } from './read-committed.ts';

const transactional = 1 << 4;
const control = 1 << 5;

interface BatchPlan {
  readonly at: number;
  readonly producer: number;
  readonly values?: readonly string[];
  readonly attributes?: number;
  readonly lastOffsetDelta?: number;
}

function batch({
  at,
  producer,
  values = [],
  attributes = transactional,
  lastOffsetDelta,
}: BatchPlan): RecordsBatch {
  return {
    firstOffset: BigInt(at),
    length: 0,
    partitionLeaderEpoch: 0,
    magic: 2,
    crc: 0,
    attributes,
    lastOffsetDelta: lastOffsetDelta ?? Math.max(0, values.length - 1),
    firstTimestamp: 1000n,
    maxTimestamp: 2000n,
    producerId: BigInt(producer),
    producerEpoch: 0,
    firstSequence: 0,
    records: values.map((value, offsetDelta) => ({
      length: 0,
      attributes: 0,
      timestampDelta: BigInt(offsetDelta),
      offsetDelta,
      key: null,
      value: Buffer.from(value),
      headers: [[Buffer.from('h'), Buffer.from(value)]],
    })),
  };
}

function marker(at: number, producer: number, type: 'abort' | 'commit'): RecordsBatch {
  const one = batch({ at, producer, values: [''], attributes: transactional | control });
  return {
    ...one,
    records: one.records.map((r) => ({ ...r, key: Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1]) })),
  };
}

function read(records: RecordsBatch[], aborted: [producer: number, first: number][] = [], offset = 0) {
  const abortedTransactions = aborted.map(([producer, first]) => ({
    producerId: BigInt(producer),
    firstOffset: BigInt(first),
  }));
  const result = committedRecords(
    { records, abortedTransactions },
    { topic: 't', partition: 1, offset: BigInt(offset) },
  );
  return { values: result.records.map((one) => String(one.value)), next: Number(result.nextOffset), result };
}

test('records of an aborted transaction are dropped, those of others between them are not', () => {
  const batches = [
    batch({ at: 0, producer: 1, values: ['a'] }),
    batch({ at: 1, producer: 2, values: ['b'] }),
    batch({ at: 2, producer: 1, values: ['c'] }),
    marker(3, 1, 'abort'),
    marker(4, 2, 'commit'),
  ];
  expect(read(batches, [[1, 0]])).toMatchObject({ values: ['b'], next: 5 });
});

test('after its abort marker a producer is heard again', () => {
  const batches = [
    batch({ at: 0, producer: 1, values: ['a'] }),
    marker(1, 1, 'abort'),
    batch({ at: 2, producer: 1, values: ['b'] }),
    marker(3, 1, 'commit'),
    batch({ at: 4, producer: 1, values: ['c'] }),
    marker(5, 1, 'abort'),
  ];
  expect(
    read(batches, [
      [1, 4],
      [1, 0],
    ]).values,
  ).toEqual(['b']);
});

test('an aborted transaction whose marker lies beyond the answer is dropped to its end', () => {
  const batches = [
    batch({ at: 10, producer: 1, values: ['a', 'b'] }),
    batch({ at: 12, producer: 1, values: ['c'] }),
  ];
  expect(read(batches, [[1, 3]], 10)).toMatchObject({ values: [], next: 13 });
});

test('a transaction that committed before the aborted one of the same producer stays', () => {
  const batches = [
    batch({ at: 0, producer: 1, values: ['a'] }),
    marker(1, 1, 'commit'),
    batch({ at: 2, producer: 1, values: ['b'] }),
  ];
  expect(read(batches, [[1, 2]]).values).toEqual(['a']);
});

test('records without a transaction are read, even of a producer that has an aborted one', () => {
  expect(read([batch({ at: 0, producer: 1, values: ['a'], attributes: 0 })], [[1, 0]]).values).toEqual(['a']);
});

test('batches that compaction has emptied move the offset on', () => {
  const emptied = batch({ at: 4, producer: 1, lastOffsetDelta: 5 });
  const emptiedMarker = batch({ at: 10, producer: 1, attributes: transactional | control });
  expect(read([emptied, emptiedMarker], [], 4)).toMatchObject({ values: [], next: 11 });
});

test('records before the offset that was asked for are not repeated', () => {
  expect(read([batch({ at: 0, producer: 1, values: ['a', 'b', 'c'] })], [], 2)).toMatchObject({
    values: ['c'],
    next: 3,
  });
});

test('nothing fetched leaves the offset where it is', () => {
  expect(read([], [], 7)).toMatchObject({ values: [], next: 7 });
});

test('a record has its place, headers and time; append time when the topic says so', () => {
  const [record] = read([batch({ at: 5, producer: 1, values: ['a', 'b'] })], [], 6).result.records;
  expect(record).toMatchObject({
    topic: 't',
    partition: 1,
    offset: 6n,
    timestampMs: 1001,
    headers: new Map([['h', 'b']]),
  });
  const appended = batch({ at: 5, producer: 1, values: ['a'], attributes: 1 << 3 });
  expect(read([appended], [], 5).result.records[0]?.timestampMs).toBe(2000);
});
