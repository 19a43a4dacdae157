import { failuresOf } from '@diptych/runtime/verdict';
import { expect, test } from 'vitest';
import { noFigures, verdictOf } from './figures.ts';
import { accessFaults, topicFaults } from './kafka-faults.ts';
import { publicationFaults } from './publication-faults.ts';
import { serverFaults, startFaults } from './server-faults.ts';
import { tableFaults } from './table-faults.ts';

const faults = [
  ...[...startFaults, ...serverFaults, ...tableFaults, ...publicationFaults],
  ...[...topicFaults, ...accessFaults],
];
const whole = { isWhole: true };

test('a fault that is not found, or not cleared, is over its limit', () => {
  const all = { ...noFigures(), planted: 30, cleared: 30 };
  expect(failuresOf(verdictOf(all, whole))).toEqual([]);
  for (const list of ['missed', 'uncleared', 'invented', 'worsened'] as const)
    expect(failuresOf(verdictOf({ ...all, [list]: ['one'] }, whole)).map(({ what }) => what)).toEqual([list]);
});

test('a run that cleared less than 25 faults proves nothing', () => {
  const some = { ...noFigures(), planted: 24, cleared: 24 };
  expect(failuresOf(verdictOf(some, whole)).map(({ what }) => what)).toEqual(['tooFew']);
});

test('there are faults enough, each with a name of its own', () => {
  expect(faults.length).toBeGreaterThanOrEqual(25);
  expect(new Set(faults.map(({ name }) => name)).size).toBe(faults.length);
});
