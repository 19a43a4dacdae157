import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rowOfTexts } from './text-row.ts';

test('a row has the texts that were read, also those that came as bytes because no string holds them', () => {
  const text = fc.option(fc.record({ text: fc.string({ unit: 'binary' }), asBytes: fc.boolean() }));
  fc.assert(
    fc.property(fc.array(text, { maxLength: 8 }), (texts) => {
      const row = rowOfTexts(texts.map((one) => one && (one.asBytes ? Buffer.from(one.text) : one.text)));
      const read = texts.map((_, place) => row.text(place));
      // What is no Unicode is none in the bytes either.
      expect(read).toEqual(texts.map((one) => one && Buffer.from(one.text).toString()));
    }),
  );
});
