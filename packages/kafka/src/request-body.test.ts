import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Writer } from './client-floors.ts';
import { RequestBody } from './request-body.ts';

/** The same, written by us and by the client. */
interface Step {
  readonly ours: (body: RequestBody) => void;
  readonly theirs: (writer: ReturnType<typeof Writer.create>) => void;
}

const step = fc.oneof(
  fc
    .integer({ min: -0x8000, max: 0x7fff })
    .map(
      (value): Step => ({ ours: (body) => body.int16(value), theirs: (writer) => writer.appendInt16(value) }),
    ),
  fc
    .integer()
    .map(
      (value): Step => ({ ours: (body) => body.int32(value), theirs: (writer) => writer.appendInt32(value) }),
    ),
  fc
    .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    .map(
      (value): Step => ({ ours: (body) => body.int64(value), theirs: (writer) => writer.appendInt64(value) }),
    ),
  fc.nat({ max: 0x7fff_ffff }).map(
    (value): Step => ({
      ours: (body) => body.unsignedVarint(value),
      theirs: (writer) => writer.appendUnsignedVarInt(value),
    }),
  ),
  fc
    .option(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constant('ž'.repeat(9000))))
    .map(
      (value): Step => ({ ours: (body) => body.text(value), theirs: (writer) => writer.appendString(value) }),
    ),
  fc.constant<Step>({ ours: (body) => body.end(), theirs: (writer) => writer.appendTaggedFields() }),
);

test('it writes what the client’s Writer would, of any length', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
      const body = new RequestBody();
      const writer = Writer.create();
      for (const { ours, theirs } of steps) {
        ours(body);
        theirs(writer);
        expect(body.length).toBe(writer.length);
      }
      expect(body.toWriter().buffer).toEqual(writer.buffer);
    }),
  );
});
