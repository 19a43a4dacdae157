import { expect, test } from 'vitest';
import { findings } from './findings.ts';
import type { Planted } from './workload.ts';

const planted: Planted = {
  leaks: new Map([
    [7, 'note'],
    [8, 'line'],
  ]),
  drifts: new Map([['1', 8]]),
};
const shape = (...xids: number[]) => ({ leaks: xids.length, examples: xids.map((xid) => ({ xid })) });
const drift = (...drifted: [id: string, xid: number][]) => ({
  order: { drifted: drifted.map(([id, xid]) => ({ id, since: { xid } })), unprovenCount: 0 },
});

test('all that was planted and nothing else is found', () => {
  const answer = { audit: { leaks: 2, shapes: [shape(7), shape(8)] }, drift: drift(['1', 8]) };
  expect(findings(planted, answer)).toEqual({ planted: 3, found: 3, missed: 0, invented: 0 });
});

test('what is not named to the transaction is missed, and what was not planted is invented', () => {
  const answer = { audit: { leaks: 2, shapes: [shape(7, 9)] }, drift: drift(['1', 9]) };
  expect(findings(planted, answer)).toEqual({ planted: 3, found: 1, missed: 2, invented: 2 });
  const unnamed = {
    audit: { leaks: 3, shapes: [{ ...shape(7, 8), leaks: 3 }] },
    drift: { order: { drifted: [], unprovenCount: 1 } },
  };
  expect(findings(planted, unnamed)).toEqual({ planted: 3, found: 2, missed: 1, invented: 2 });
});
