import type * as Kafka from '@platformatic/kafka';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Writer } from './client-floors.ts';
import { protocol } from './client-modules.ts';
import { readAnswer } from './produce-request.ts';

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
      expect([...read.keys()]).toEqual(answered.map(({ name }) => name));
      for (const { name, partitions } of answered) {
        const said = read.get(name) ?? [];
        expect(said.filter((one) => one !== undefined)).toHaveLength(partitions.length);
        for (const { index, code, message } of partitions)
          expect(said[index]).toEqual(code === 0 ? { code, message: null } : { code, message });
      }
    }),
  );
});
