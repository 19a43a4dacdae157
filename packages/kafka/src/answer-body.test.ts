import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AnswerBody } from './answer-body.ts';
import { Writer } from './client-floors.ts';
import { protocol } from './client-modules.ts';

const bodyOf = (bytes: Buffer): AnswerBody => new AnswerBody(protocol.Reader.from(bytes));

test('what the client writes is read: numbers, texts, how long lists are, and what stands behind fields with tags', () => {
  const all = fc.record({
    int16: fc.integer({ min: -0x8000, max: 0x7fff }),
    int32: fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
    varint: fc.nat({ max: 0xffff_ffff }),
    text: fc.option(fc.string({ unit: 'grapheme', maxLength: 200 })),
    tags: fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 3 }),
  });
  fc.assert(
    fc.property(all, ({ int16, int32, varint, text, tags }) => {
      const writer = Writer.create().appendInt16(int16).appendInt32(int32).appendUnsignedVarInt(varint);
      writer.appendString(text).appendUnsignedVarInt(tags.length);
      for (const [tag, bytes] of tags.entries())
        writer.appendUnsignedVarInt(tag).appendUnsignedVarInt(bytes.length).append(Buffer.from(bytes));
      writer.appendArray([1, 2], (element, value) => element.appendInt32(value), true, false).appendInt16(7);
      const body = bodyOf(writer.buffer);
      expect([body.int16(), body.int32(), body.unsignedVarint(), body.text()]).toEqual([
        int16,
        int32,
        varint,
        text,
      ]);
      body.end();
      expect([body.elements(), body.int32(), body.int32(), body.int16()]).toEqual([2, 1, 2, 7]);
    }),
  );
});

test('no list is one without elements, and it is begun where the client stands', () => {
  const reader = protocol.Reader.from(Buffer.from([9, 9, 0, 1]));
  reader.readInt16();
  const body = new AnswerBody(reader);
  expect([body.elements(), body.elements()]).toEqual([0, 0]);
});

test('an answer that ends too early is an error, not a number', () => {
  const cut: [(body: AnswerBody) => unknown, number[]][] = [
    [(body) => body.int16(), [1]],
    [(body) => body.int32(), [1, 2, 3]],
    [(body) => body.unsignedVarint(), [0x80, 0x80]],
    [(body) => body.text(), [5, 65]],
    [(body) => body.end(), [1, 0, 9]],
  ];
  for (const [read, bytes] of cut) expect(() => read(bodyOf(Buffer.from(bytes)))).toThrow(RangeError);
});
