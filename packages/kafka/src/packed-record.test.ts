import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PackedRecord, RecordPacker } from './packed-record.ts';
import { recordBytes, runOf } from './packing.ts';
import { partitionOf } from './partitioner.ts';
import type { OutgoingRecord } from './record.ts';
import { RecordBatchWriter } from './record-batch.ts';
import { RequestBody } from './request-body.ts';

const head = { producerId: 7n, producerEpoch: 3, baseSequence: 0, isTransactional: true };
const bytes = fc.option(
  fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
  { nil: null },
);
const records: fc.Arbitrary<OutgoingRecord[]> = fc.array(
  fc.record({
    topic: fc.constantFrom('a', 'b'),
    key: bytes,
    value: bytes,
    headers: fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })), {
      maxLength: 4,
    }),
    timestampMs: fc.nat({ max: 2 ** 45 }),
  }),
  { minLength: 1, maxLength: 20 },
);

function packed(list: readonly OutgoingRecord[], packer = new RecordPacker()): OutgoingRecord[] {
  return list.map((record) => {
    const body = packer.pack(record);
    return body ? new PackedRecord(record, body) : record;
  });
}

function encoded(list: readonly OutgoingRecord[]): Buffer {
  const body = new RequestBody();
  new RecordBatchWriter().write(body, runOf(list), head);
  return body.bytes;
}

test('a packed record says of itself what it was packed from', () => {
  fc.assert(
    fc.property(records, fc.integer({ min: 1, max: 100 }), (list, partitions) => {
      for (const [index, one] of packed(list).entries()) {
        const { topic, key, value, headers, timestampMs } = one;
        expect(one).toBeInstanceOf(PackedRecord);
        expect({ topic, key, value, headers, timestampMs }).toEqual(list[index]);
        expect((one as PackedRecord).partitionOf(partitions)).toBe(partitionOf(key, partitions));
      }
    }),
  );
});

test('a batch of packed records is byte for byte that of the records, and packing reckons as much for it', () => {
  fc.assert(
    fc.property(records, (list) => {
      expect(encoded(packed(list)).equals(encoded(list))).toBe(true);
      for (const [index, one] of packed(list).entries())
        expect(recordBytes(one)).toBeLessThanOrEqual(recordBytes(list[index] as OutgoingRecord));
    }),
  );
});

test('what is packed stays, also when many slabs were filled behind it', () => {
  const packer = new RecordPacker();
  const list = Array.from({ length: 500 }, (_, index) => ({
    topic: 'a',
    key: Buffer.from(String(index)),
    value: Buffer.alloc(3000, index),
    headers: [],
    timestampMs: index,
  }));
  expect(packed(list, packer).map(({ key, value }) => [key?.toString(), value?.[2999]])).toEqual(
    list.map((_, index) => [String(index), index & 0xff]),
  );
});

test('a long record is not copied, and one that names its partitions keeps them', () => {
  const record: OutgoingRecord = { topic: 'a', key: null, value: null, headers: [], timestampMs: 0 };
  const packer = new RecordPacker();
  expect(packer.pack(record)).not.toBeNull();
  for (const change of [
    { value: Buffer.alloc(20_000) },
    { partition: 0 },
    { spread: 'every' as const },
    { vouches: true },
  ])
    expect(packer.pack({ ...record, ...change })).toBeNull();
});

test('what is not released stays as it is, whatever is released around it, and the memory of what is serves again', () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 3000, max: 5000 }), fc.nat({ max: 400 })), {
    minLength: 1200,
    maxLength: 1500,
  });
  fc.assert(
    fc.property(steps, (made) => {
      const packer = new RecordPacker();
      const slabs = new Set<Buffer>();
      const held: { record: PackedRecord; length: number; fill: number }[] = [];
      const release = (gone: typeof held) => {
        for (const { record, length, fill } of gone) {
          expect(record.value?.equals(Buffer.alloc(length, fill))).toBe(true);
          record.release();
        }
      };
      for (const [index, [length, victim]] of made.entries()) {
        const fill = index & 0xff;
        const value = Buffer.alloc(length, fill);
        const record = { topic: 'a', key: null, value, headers: [], timestampMs: index };
        const packedOne = packed([record], packer)[0] as PackedRecord;
        slabs.add(packedOne.slab);
        held.push({ record: packedOne, length, fill });
        // About twenty wait at a time, now and then none.
        const left = victim % 40 === 0 ? 0 : 20;
        while (held.length > left) release(held.splice(victim % held.length, 1));
      }
      expect(slabs.size).toBeLessThanOrEqual(10);
    }),
    { numRuns: 20 },
  );
});

test('a record that was released is neither read nor released again', () => {
  const [record] = packed([{ topic: 'a', key: null, value: null, headers: [], timestampMs: 0 }]);
  const released = record as PackedRecord;
  released.release();
  expect(() => released.value).toThrow('a record that was released is not read');
  expect(() => released.release()).toThrow('a record is released once');
});

test('a record becomes another one when it was released, and not before', () => {
  const packer = new RecordPacker();
  const record = (text: string) => ({
    ...{ topic: text, key: Buffer.from(text), value: Buffer.from(text), timestampMs: text.length },
    headers: [['name', text]] as const,
  });
  const packedOne = packed([record('one')], packer)[0] as PackedRecord;
  const next = record('another');
  const body = packer.pack(next);
  if (!body) throw new Error('it is short');
  expect(() => packedOne.hold(next, body)).toThrow('a record is another one when it was released');
  packedOne.release();
  packedOne.hold(next, body);
  const { topic, key, value, headers, timestampMs } = packedOne;
  expect({ topic, key, value, headers, timestampMs }).toEqual(next);
});
