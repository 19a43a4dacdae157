import { describe, expect, test } from 'vitest';
import { longRestMs, Pace, restMs } from './pace.ts';

/** Reads of one size, so far apart; answers after how many of them there was a rest, or null. */
function readsUntilRest({ bytes, everyMs }: { bytes: number; everyMs: number }): number | null {
  const pace = new Pace();
  for (let reads = 1; reads <= 10_000; reads += 1) if (pace.rest(bytes, reads * everyMs) > 0) return reads;
  return null;
}

/** In the midst of a backlog: it rested just now. */
function dense(): { pace: Pace; nowMs: number } {
  const pace = new Pace();
  let nowMs = 0;
  while (pace.rest(256, nowMs) === 0) nowMs += 0.03;
  return { pace, nowMs };
}

/** The same, of which two megabytes were read. */
function deep(): { pace: Pace; nowMs: number } {
  const { pace, nowMs } = dense();
  for (let reads = 1; reads <= 32; reads += 1) expect(pace.rest(65_536, nowMs + 2 * reads)).toBe(0);
  return { pace, nowMs: nowMs + 64 };
}

describe('the socket rests', () => {
  test('after a while of small reads one upon the other', () => {
    expect(readsUntilRest({ bytes: 256, everyMs: 0.03 })).toBe(64);
  });

  test('never at a thousand transactions a second, a read for each of their messages', () => {
    expect(readsUntilRest({ bytes: 300, everyMs: 0.2 })).toBeNull();
  });

  test('never where the kernel has more than one read takes', () => {
    expect(readsUntilRest({ bytes: 65_536, everyMs: 1 })).toBeNull();
  });

  test('shortly while what comes is no more than a steady load: five thousand transactions a second', () => {
    const { pace, nowMs } = dense();
    for (let rests = 1; rests < 100; rests += 1) expect(pace.rest(5000, nowMs + rests * 1.2)).toBe(restMs);
  });

  test('for long when it has caught up with a deep backlog, and not while it is behind', () => {
    const { pace, nowMs } = deep();
    expect(pace.rest(45_000, nowMs + 2)).toBe(longRestMs);
    // Megabytes have gathered.
    for (let reads = 0; reads < 40; reads += 1) expect(pace.rest(65_536, nowMs + 62 + 2 * reads)).toBe(0);
    expect(pace.rest(20_000, nowMs + 142)).toBe(longRestMs);
  });

  test('shortly in the two megabytes of a burst, however fast they come', () => {
    const { pace, nowMs } = dense();
    for (let rests = 1; rests <= 46; rests += 1) expect(pace.rest(45_000, nowMs + rests)).toBe(restMs);
    expect(pace.rest(45_000, nowMs + 47)).toBe(longRestMs);
  });

  test('shortly again when little came for a while', () => {
    const { pace, nowMs } = deep();
    const rests = Array.from({ length: 10 }, (_, index) => pace.rest(10_000, nowMs + 2 + index * longRestMs));
    expect(rests.lastIndexOf(longRestMs) * longRestMs).toBeLessThanOrEqual(500);
    expect(rests.at(-1)).toBe(restMs);
    // Also when nothing came meanwhile.
    const { pace: other, nowMs: thenMs } = deep();
    expect(other.rest(10_000, thenMs + 10_000)).toBe(restMs);
  });

  test('no more when a rest brought next to nothing: what comes then is handed on at once', () => {
    const { pace, nowMs } = deep();
    expect(pace.rest(800, nowMs + 1)).toBe(0);
    expect(pace.rest(800, nowMs + 1.1)).toBe(0);
    // The backlog goes on: it is as deep as before.
    let laterMs = nowMs + 10;
    while (pace.rest(256, laterMs) === 0) laterMs += 0.03;
    expect(pace.rest(45_000, laterMs + 1)).toBe(longRestMs);
  });
});
