import { crc32c, createRecordsBatch, NumericMap, Reader, readRecordsBatch } from '@platformatic/kafka';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { batchOverheadBytes, recordBytes, runOf } from './packing.ts';
import type { OutgoingRecord } from './record.ts';
import { type BatchHead, nextSequence, RecordBatchWriter } from './record-batch.ts';
import { RequestBody } from './request-body.ts';

const head: BatchHead = { producerId: 7n, producerEpoch: 3, baseSequence: 0, isTransactional: true };

function record(change: Partial<OutgoingRecord> = {}): OutgoingRecord {
  return { topic: 'a', key: null, value: null, headers: [], timestampMs: 1_795_246_912_669, ...change };
}

function encode(records: readonly OutgoingRecord[], asked: BatchHead = head): Buffer {
  const body = new RequestBody();
  new RecordBatchWriter().write(body, runOf(records), asked);
  return body.bytes;
}

/** What the client's own encoder makes of them. */
function encodedByClient(records: readonly OutgoingRecord[], asked: BatchHead): Buffer {
  const messages = records.map(({ topic, key, value, headers, timestampMs }) => ({
    topic,
    partition: 0,
    ...(key === null ? {} : { key }),
    // Its types know no tombstone, its encoder does.
    value: value as Buffer,
    headers: new Map(headers.map(([name, text]) => [Buffer.from(name), Buffer.from(text)])),
    timestamp: BigInt(timestampMs),
  }));
  return createRecordsBatch(messages, {
    producerId: asked.producerId,
    producerEpoch: asked.producerEpoch,
    sequences: new NumericMap([['a:0', asked.baseSequence]]),
    ...(asked.isTransactional ? { transactionalId: 't' } : {}),
    partitionLeaderEpoch: -1,
  }).buffer;
}

/** Lengths on both sides of each step of a varint: one byte ends at 63, two end at 8191. */
const bytesMax = 9000;
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 70 }).map((array) => Buffer.from(array)),
  fc.nat({ max: bytesMax }).map((length) => Buffer.alloc(length, 'v')),
);
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.nat({ max: 200 }).map((length) => 'ž'.repeat(length)),
);
const records = fc.array(
  fc.record({
    topic: fc.constant('a'),
    key: fc.option(bytes),
    value: fc.option(bytes),
    headers: fc.array(fc.tuple(text, text), { maxLength: 4 }),
    // Not more than 24 days apart: the client's own encoder is wrong beyond (2.12.1, its zigzag shifts by 31 of 63 bits).
    timestampMs: fc.integer({ min: 1_795_246_912_669 - 2 ** 31, max: 1_795_246_912_669 - 1 }),
  }),
  { minLength: 1, maxLength: 20 },
);
const heads = fc.record({
  producerId: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  producerEpoch: fc.nat({ max: 32_767 }),
  baseSequence: fc.nat({ max: 0x7fff_ffff }),
  isTransactional: fc.boolean(),
});

test('a batch is byte for byte what the client’s own encoder makes of the records', () => {
  fc.assert(
    fc.property(records, heads, (list, asked) => {
      expect(encode(list, asked).equals(encodedByClient(list, asked))).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('each batch has the producer that it was written for', () => {
  fc.assert(
    fc.property(fc.array(heads, { minLength: 2, maxLength: 5 }), (asked) => {
      const [writer, body] = [new RecordBatchWriter(), new RequestBody()];
      for (const one of asked) writer.write(body, runOf([record()]), one);
      const expected = asked.map((one) => encodedByClient([record()], one));
      expect(body.bytes.equals(Buffer.concat(expected))).toBe(true);
    }),
  );
});

test('timestamps of one batch may lie as far apart as they can be written', () => {
  const moments = fc.array(fc.nat({ max: Number.MAX_SAFE_INTEGER }), { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(moments, (times) => {
      const read = readRecordsBatch(Reader.from(encode(times.map((timestampMs) => record({ timestampMs })))));
      const seen = read.records.map(({ timestampDelta }) => Number(read.firstTimestamp + timestampDelta));
      expect(seen).toEqual(times);
      expect(read.maxTimestamp).toBe(BigInt(Math.max(...times)));
    }),
  );
});

test('a batch is never larger than packing reckons', () => {
  fc.assert(
    fc.property(records, (list) => {
      const reckoned = list.reduce((sum, one) => sum + recordBytes(one), batchOverheadBytes);
      expect(encode(list).length).toBeLessThanOrEqual(reckoned);
    }),
  );
});

test('null, empty and long are told apart, in keys and values', () => {
  const long = Buffer.alloc(3_000_000, 'x');
  const list = [
    record(),
    record({ key: Buffer.alloc(0), value: Buffer.alloc(0) }),
    record({ key: Buffer.from('k'), value: long, headers: [['', '']] }),
  ];
  const read = readRecordsBatch(Reader.from(encode(list)));
  expect(read.records.map(({ key, value }) => [key, value])).toEqual([
    [null, null],
    [Buffer.alloc(0), Buffer.alloc(0)],
    [Buffer.from('k'), long],
  ]);
});

test('batches stand one behind the other, also when the memory had to grow in between, until the next begin', () => {
  const [writer, body] = [new RecordBatchWriter(), new RequestBody()];
  const lists = [10, 100_000, 30_000_000, 5].map((length) => [record({ value: Buffer.alloc(length, 'x') })]);
  for (let round = 0; round < 2; round += 1) {
    body.begin();
    expect(body.bytes).toHaveLength(0);
    for (const list of lists) writer.write(body, runOf(list), head);
    expect(body.bytes.equals(Buffer.concat(lists.map((list) => encode(list))))).toBe(true);
  }
});

test('the checksum is CRC-32C of all from the attributes on', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe306_9283); // RFC 3720, B.4 has the polynomial
  const batch = encode([record({ key: Buffer.from('k'), value: Buffer.from('v') })]);
  expect(batch.readUInt32BE(17)).toBe(crc32c(batch.subarray(21)));
});

test('after the largest sequence number comes 0, as Java’s producer counts', () => {
  expect(nextSequence(0, 10)).toBe(10);
  expect(nextSequence(0x7fff_ffff, 1)).toBe(0);
  expect(nextSequence(0x7fff_fffe, 5)).toBe(3);
});
