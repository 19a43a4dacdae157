import { xid } from '@diptych/wal/lsn';
import { describe, expect, test } from 'vitest';
import { RecentCommits, Visibility } from './visibility.ts';

describe('a snapshot sees', () => {
  const visibility = new Visibility('100:110:100,105');
  test.each([
    ['what ended before all that runs', 99, true],
    ['not what runs', 105, false],
    ['what ended while others run', 104, true],
    ['not what began later', 110, false],
  ])('%s', (_what, id, sees) => {
    expect(visibility.sees(xid(id))).toBe(sees);
  });

  test('the same beyond 2^32, where the stream has only the low half', () => {
    const beyond = 2n ** 32n + 5n;
    const wrapped = new Visibility(`${beyond}:${beyond + 10n}:${beyond + 1n}`);
    expect(wrapped.sees(xid(4_294_967_290))).toBe(true);
    expect(wrapped.sees(xid(4))).toBe(true);
    expect(wrapped.sees(xid(6))).toBe(false);
    expect(wrapped.sees(xid(15))).toBe(false);
  });
});

test('a commit that the stream has brought and a read does not see is named until one does; what is not kept is said', () => {
  const commits = new RecentCommits({ max: 2 });
  for (const id of [104, 105]) commits.add(xid(id));
  expect(commits.unseenBy(new Visibility('100:110:100,105'))).toEqual([105]);
  // The place of the one that was seen is free again.
  commits.add(xid(106));
  expect(commits.hasForgotten).toBe(false);
  commits.add(xid(107));
  expect(commits.hasForgotten).toBe(true);
  expect(commits.unseenBy(new Visibility('110:110:'))).toEqual([]);
  const others = new RecentCommits({ max: 2 });
  others.addAll(commits);
  expect(others.hasForgotten).toBe(true);
});
