import { expect, test } from 'vitest';
import { ServerClock } from './server-clock.ts';

test('the server is asked once a second, and in between its clock goes on', async () => {
  const answers = [5_000_000n, 9_000_000n];
  const clock = new ServerClock(async () => answers.shift() ?? 0n);
  const told: bigint[] = [];
  for (const nowMs of [100, 100.25, 1099, 1100, 1350]) told.push(await clock.timeUs(nowMs));
  expect(told).toEqual([5_000_000n, 5_000_250n, 5_999_000n, 9_000_000n, 9_250_000n]);
});

test('what the server did not answer is asked again', async () => {
  const answers = [Promise.reject(new Error('gone')), Promise.resolve(7n)];
  const clock = new ServerClock(() => answers.shift() ?? Promise.resolve(0n));
  await expect(clock.timeUs(0)).rejects.toThrow('gone');
  expect(await clock.timeUs(1)).toBe(7n);
});
