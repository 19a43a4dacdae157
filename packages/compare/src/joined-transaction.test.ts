import { lsn } from '@diptych/wal/lsn';
import { expect, test } from 'vitest';
import { compareCommits, formatCommitTime } from './joined-transaction.ts';

test('commit times keep their microseconds, before 1970 too', () => {
  expect(formatCommitTime(1_000_001n)).toBe('1970-01-01T00:00:01.000001Z');
  expect(formatCommitTime(0n)).toBe('1970-01-01T00:00:00.000000Z');
  expect(formatCommitTime(-1n)).toBe('1969-12-31T23:59:59.999999Z');
});

test('a later timeline comes later, whatever its positions', () => {
  const old = { timeline: 1, commitLsn: lsn(9n) };
  const young = { timeline: 2, commitLsn: lsn(5n) };
  expect(compareCommits(old, young)).toBeLessThan(0);
  expect(compareCommits({ ...old, timeline: 2 }, young)).toBeGreaterThan(0);
  expect(compareCommits(young, young)).toBe(0);
});
