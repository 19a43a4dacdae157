import fc from 'fast-check';
import { expect, test } from 'vitest';
import { median, percentile, spreadOf } from './statistics.ts';

test('a median is the middle one, between two the mean, of none nothing that a limit accepts', () => {
  expect([median([9, 1, 5]), median([4, 1, 9, 2]), median([7])]).toEqual([5, 3, 7]);
  expect(median([]) <= 1).toBe(false);
  expect(spreadOf([5, 9, 1])).toEqual({ median: 5, min: 1, max: 9 });
});

test('a percentile is a measured value that so many do not exceed, and no smaller one is', () => {
  const values = fc.array(fc.nat(1000), { minLength: 1 });
  fc.assert(
    fc.property(values, fc.constantFrom(50, 95, 99, 99.9, 100), (measured, percent) => {
      const sorted = Float64Array.from(measured).sort();
      const found = percentile(sorted, percent);
      const share = (isWithin: (value: number) => boolean) =>
        (sorted.filter(isWithin).length / sorted.length) * 100;
      expect(measured).toContain(found);
      expect(share((value) => value <= found)).toBeGreaterThanOrEqual(percent);
      expect(share((value) => value < found)).toBeLessThan(percent);
    }),
  );
  expect(percentile(new Float64Array(), 50) <= 1).toBe(false);
});
