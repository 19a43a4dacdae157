import { readRowsOf } from '@diptych/wal/read-rows-for-tests';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readRow } from './read-row.ts';

test('a row has the texts that were read', () => {
  const text = fc.option(fc.string({ unit: 'binary' }));
  fc.assert(
    fc.property(fc.array(fc.array(text, { maxLength: 8 }), { maxLength: 4 }), (rows) => {
      const read = readRowsOf(rows);
      for (const [index, texts] of rows.entries()) {
        const row = readRow(read, index);
        // What is no Unicode is none in the bytes either.
        const sent = texts.map((one) => one && Buffer.from(one).toString());
        expect(texts.map((_, place) => row.text(place))).toEqual(sent);
        expect(row.columns).toBe(texts.length);
        expect(row.size).toBe(Buffer.byteLength(sent.join('')));
      }
    }),
  );
});
