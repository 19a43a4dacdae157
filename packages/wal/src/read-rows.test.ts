import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RowGatherer } from './read-rows.ts';
import { dataRowOf, readRowsOf, textsOf } from './read-rows-for-tests.ts';

const texts = fc.array(fc.option(fc.string({ unit: 'grapheme', maxLength: 30 })), { maxLength: 6 });

const bytesOf = (row: readonly (string | null)[]) =>
  row.reduce((sum, text) => sum + Buffer.byteLength(text ?? ''), 0);

test('rows are read as they came, whatever room there was for them', () => {
  fc.assert(
    fc.property(fc.array(texts, { maxLength: 12 }), fc.nat(400), (rows, expectedBytes) => {
      const gatherer = new RowGatherer({ bytesMax: Number.POSITIVE_INFINITY, expectedBytes });
      for (const row of rows) {
        // Among other messages, and gone afterwards.
        const read = Buffer.concat([Buffer.from('head'), dataRowOf(row), Buffer.from('next')]);
        gatherer.add(read, 4, read.length - 4);
        read.fill(0xff);
      }
      const { rows: came } = gatherer;
      expect(rows.map((_, index) => textsOf(came, index))).toEqual(rows);
      expect(rows.map((_, index) => came.textBytes(index))).toEqual(rows.map(bytesOf));
      expect([came.length, gatherer.textBytes, gatherer.isWhole]).toEqual([
        rows.length,
        bytesOf(rows.flat()),
        true,
      ]);
    }),
  );
});

test.each([
  [0, 1],
  [4, 1],
  [5, 2],
  [8, 2],
  [9, 3],
  [100, 3],
])(
  'of texts with %i bytes at most come %i rows: at least one, and none behind those that reach it',
  (bytesMax, taken) => {
    const gatherer = new RowGatherer({ bytesMax, expectedBytes: 10 });
    for (const text of ['four', 'four', 'four']) {
      const content = dataRowOf([text, null]);
      gatherer.add(content, 0, content.length);
    }
    expect([gatherer.rows.length, gatherer.textBytes, gatherer.isWhole]).toEqual([
      taken,
      4 * taken,
      taken === 3,
    ]);
  },
);

test('some of the rows are rows as well', () => {
  const rows = readRowsOf([['a'], ['b'], ['c'], ['d']]);
  const all = (some: typeof rows) =>
    Array.from({ length: some.length }, (_, index) => textsOf(some, index)[0]);
  expect(all(rows.filter((index) => index !== 1))).toEqual(['a', 'c', 'd']);
  expect(all(rows.first(2))).toEqual(['a', 'b']);
  expect(all(rows.first(9))).toEqual(['a', 'b', 'c', 'd']);
  expect(all(rows.filter((index) => index > 0).first(2))).toEqual(['b', 'c']);
});
