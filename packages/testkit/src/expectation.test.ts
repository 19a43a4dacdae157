import fc from 'fast-check';
import { expect, test } from 'vitest';
import { meets } from './expectation.ts';

const json = fc.jsonValue({ maxDepth: 4 });

test('whatever a record holds meets the expectation of it, and of any part of it', () => {
  fc.assert(
    fc.property(
      json,
      fc.dictionary(fc.string(), json),
      fc.dictionary(fc.string(), json),
      (value, some, more) => {
        expect(meets(value, structuredClone(value))).toBe(true);
        expect(meets({ ...more, ...some, value }, { ...some, value })).toBe(true);
      },
    ),
  );
});

test('an expectation that names something else, or more of a list, is not met', () => {
  const order = { id: 7, total: '9.90', lines: [{ sku: 'pear', count: 2n ** 60n }] };
  expect(meets(order, { lines: [{ count: 2n ** 60n }] })).toBe(true);
  expect(meets(order, { id: 7n, total: expect.stringMatching(/^9/) })).toBe(true);
  for (const wrong of [
    { id: 8 },
    { id: '7' },
    { lines: [] },
    { lines: {} },
    { note: null },
    { total: expect.any(Number) },
  ])
    expect(meets(order, wrong)).toBe(false);
  expect(meets(null, {})).toBe(false);
});
