import type * as Kafka from '@platformatic/kafka';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Writer } from './client-floors.ts';
import { protocol } from './client-modules.ts';
import { batchOverheadBytes, type Place, recordBytes, runOf } from './packing.ts';
import { batchesBytesMax, readAnswer, writeBatches } from './produce-request.ts';
import type { OutgoingRecord } from './record.ts';
import { type BatchHead, RecordBatchWriter } from './record-batch.ts';
import { RequestBody } from './request-body.ts';

interface Partition {
  readonly index: number;
  readonly code: number;
  readonly offset: bigint;
  readonly errors: readonly { readonly at: number; readonly message: string | null }[];
  readonly message: string | null;
  readonly isWithLeader: boolean;
}

const message = fc.option(fc.string({ unit: 'grapheme' }));
const partition = fc.record({
  index: fc.nat(300),
  code: fc.constantFrom(0, 0, 0, 6, 7, 46),
  offset: fc.bigInt({ min: -1n, max: 2n ** 63n - 1n }),
  errors: fc.array(fc.record({ at: fc.nat(9), message }), { maxLength: 2 }),
  message,
  isWithLeader: fc.boolean(),
});
const topics = fc.uniqueArray(
  fc.record({
    name: fc.string({ minLength: 1 }),
    partitions: fc.uniqueArray(partition, { selector: ({ index }) => index, maxLength: 8 }),
  }),
  { selector: ({ name }) => name, maxLength: 8 },
);

/** As a broker writes it: `current_leader` stands behind a partition, as a field with a tag. */
function writePartition(
  writer: Kafka.Writer,
  { index, code, offset, errors, message, isWithLeader }: Partition,
) {
  writer.appendInt32(index).appendInt16(code).appendInt64(offset).appendInt64(-1n).appendInt64(0n);
  writer.appendArray([...errors], (error, one) => {
    error.appendInt32(one.at).appendString(one.message);
  });
  writer.appendString(message);
  if (!isWithLeader) return void writer.appendTaggedFields();
  writer.appendUnsignedVarInt(1).appendUnsignedVarInt(0).appendUnsignedVarInt(9);
  writer.appendInt32(1).appendInt32(7).appendTaggedFields();
}

test('of an answer each partition’s word is read, whatever else stands in it', () => {
  fc.assert(
    fc.property(topics, (answered) => {
      const writer = Writer.create().appendArray(
        answered,
        (topic, { name, partitions }) => {
          topic.appendString(name).appendArray(partitions, writePartition, true, false).appendTaggedFields();
        },
        true,
        false,
      );
      writer.appendInt32(0).appendTaggedFields();
      const read = readAnswer(1, 0, 11, protocol.Reader.from(writer.dynamicBuffer));
      const all = answered.flatMap(({ name, partitions }) =>
        partitions.map(({ index, code, message }) => ({ topic: name, partition: index, code, message })),
      );
      expect(read.taken).toBe(all.filter(({ code }) => code === 0).length);
      expect(read.refused).toEqual(all.filter(({ code }) => code !== 0));
    }),
  );
});

const writer = new RecordBatchWriter();

const headOf = ({ partition: baseSequence }: Place): BatchHead => ({
  ...{ producerId: 7n, producerEpoch: 3, baseSequence, isTransactional: true },
});

function batchOf(place: Place): Buffer {
  const body = new RequestBody();
  writer.write(body, place, headOf(place));
  return body.bytes;
}

/** What a broker reads: each batch with the name of its topic and the number of its partition. */
function readTopics(body: RequestBody) {
  const reader = protocol.Reader.from(body.bytes);
  const topics = reader.readArray((topic) => ({
    name: topic.readString(),
    partitions: topic.readArray((one) => ({ index: one.readInt32(), batch: one.readBytes() })),
  }));
  reader.readTaggedFields();
  return { topics, left: reader.remaining };
}

/** Of lengths around each step of an unsigned varint, which are 128, 16384 and 2097152, with the batch's head and the record's. */
const lengths = fc.oneof(
  fc.nat(60),
  fc.integer({ min: 16_200, max: 16_400 }),
  fc.constantFrom(2_097_000, 2_097_152),
);
const placesOfTopics = fc.uniqueArray(
  fc.record({
    name: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }),
    partitions: fc.uniqueArray(
      fc.record({ index: fc.nat(300), values: fc.array(lengths, { minLength: 1, maxLength: 3 }) }),
      { selector: ({ index }) => index, minLength: 1, maxLength: 4 },
    ),
  }),
  { selector: ({ name }) => name, maxLength: 4 },
);

test('batches stand in a request with their topics, partitions and lengths, in no more room than is reckoned', () => {
  const body = new RequestBody();
  fc.assert(
    fc.property(placesOfTopics, (topics) => {
      const places = topics.flatMap(({ name: topic, partitions }) =>
        partitions.map(({ index: partition, values }): Place => {
          const list = values.map(
            (length): OutgoingRecord => ({
              ...{ topic, key: null, value: Buffer.alloc(length), headers: [], timestampMs: 1 },
            }),
          );
          const bytes = list.reduce((sum, one) => sum + recordBytes(one), batchOverheadBytes);
          return { topic, partition, bytes, ...runOf(list) };
        }),
      );
      body.begin();
      writeBatches(body, { places, writer, headOf });
      expect(body.length).toBeLessThanOrEqual(batchesBytesMax(places));
      const read = readTopics(body);
      expect(read.left).toBe(0);
      const expected = Map.groupBy(places, ({ topic }) => topic);
      expect(read.topics.map(({ name }) => name)).toEqual([...expected.keys()]);
      for (const { name, partitions } of read.topics) {
        const ofTopic = expected.get(name) ?? [];
        expect(partitions.map(({ index }) => index)).toEqual(ofTopic.map(({ partition }) => partition));
        expect(partitions.map(({ batch }, at) => batch.equals(batchOf(ofTopic[at] as Place)))).toEqual(
          ofTopic.map(() => true),
        );
      }
    }),
    { numRuns: 60 },
  );
});
