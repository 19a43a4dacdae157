import { expect, test } from 'vitest';
import { failuresOf, verdictLine } from './verdict.ts';

const verdict = { name: 'compare', args: {}, seconds: 1.5, limits: { leaks: 0, repeated: 2 } };

test('what scripts read is one line of JSON, and its verdict follows from figures and limits', () => {
  const line = verdictLine({ ...verdict, figures: { transactions: 3, leaks: [], repeated: 2 } });
  expect(line).not.toContain('\n');
  expect(JSON.parse(line)).toMatchObject({
    name: 'compare',
    ok: true,
    seed: null,
    args: {},
    seconds: 1.5,
    versions: { node: process.versions.node },
    figures: { transactions: 3, leaks: [], repeated: 2 },
    limits: { leaks: 0, repeated: 2 },
    failures: [],
  });
});

test('each figure over its limit is a failure, a list by its length, a missing one always', () => {
  const leak = { xid: 7, offset: 9007199254740993n };
  const figures = { leaks: [leak], repeated: 3 };
  expect(failuresOf({ figures, limits: verdict.limits })).toEqual([
    { what: 'leaks', expected: 0, got: [leak] },
    { what: 'repeated', expected: 2, got: 3 },
  ]);
  expect(failuresOf({ figures: {}, limits: { leaks: 0 } })).toHaveLength(1);
  expect(verdictLine({ ...verdict, figures })).toContain('"ok":false');
  expect(verdictLine({ ...verdict, figures })).toContain('9007199254740993');
});
