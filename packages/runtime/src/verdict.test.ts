import { expect, test } from 'vitest';
import { failuresOf, spread, verdictLine } from './verdict.ts';

const verdict = { name: 'x', args: {}, seed: 1, seconds: 2, versions: { kafka: '4.3.1' } };

test('a figure over its limit is a failure, also inside another one and in a list', () => {
  const figures = { lost: 1, takeoverMs: { p50: 1, max: 6 }, found: ['a'], repeated: 0 };
  const limits = { lost: 0, 'takeoverMs.max': 5, found: 0, repeated: 0 };
  expect(failuresOf({ figures, limits })).toEqual([
    { what: 'lost', expected: 0, got: 1 },
    { what: 'takeoverMs.max', expected: 5, got: 6 },
    { what: 'found', expected: 0, got: ['a'] },
  ]);
});

test('a figure that was never taken passes no limit', () => {
  const figures = { takeoverMs: spread([]) };
  expect(failuresOf({ figures, limits: { 'takeoverMs.max': 5, lost: 0 } })).toHaveLength(2);
});

test('ok follows from figures and limits', () => {
  const line = (lost: number) =>
    JSON.parse(verdictLine({ ...verdict, figures: { lost }, limits: { lost: 0 } }));
  expect(line(0)).toMatchObject({ ok: true, failures: [], seed: 1 });
  expect(line(1)).toMatchObject({ ok: false });
});

test('the median of an even count is its lower middle', () => {
  expect(spread([4, 1, 3, 2])).toEqual({ p50: 2, max: 4 });
});

test('the line is one line, and its integers are exact', () => {
  const figures = { leaks: [{ xid: 7, offset: 9007199254740993n }] };
  const line = verdictLine({ ...verdict, figures, limits: { leaks: 0 } });
  expect(line).toContain('"ok":false');
  expect(line).toContain('9007199254740993');
  expect(line).not.toContain('\n');
});
