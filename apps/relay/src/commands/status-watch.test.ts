import { expect, test } from 'vitest';
import type { Status } from './status.ts';
import { paceLine } from './status-watch.ts';

const look = (publishedLsn: string, { atMs, lagBytes }: { atMs: number; lagBytes: number }) => ({
  status: { lagBytes, relay: { publishedLsn } } as Status,
  atMs,
});

test('the pace is what was published between two looks, and says when nothing waits only while the lag falls', () => {
  const before = look('0/1000', { atMs: 0, lagBytes: 3000 });
  const falling = look('0/2000', { atMs: 2000, lagBytes: 1000 });
  expect(paceLine(before, falling)).toBe('pace        2048 bytes of WAL a second, nothing waits in 1 s\n');
  expect(paceLine(before, look('0/1000', { atMs: 1000, lagBytes: 4000 }))).toBe(
    'pace        0 bytes of WAL a second\n',
  );
  expect(paceLine(null, falling)).toBe('');
  const away = { status: { lagBytes: null, relay: null } as unknown as Status, atMs: 1000 };
  expect(paceLine(before, away)).toBe('');
});
