import { describe, expect, test } from 'vitest';
import { Pace } from './pace.ts';

/** Reads of one size, so far apart; answers after how many of them there was a rest, or null. */
function readsUntilRest({ bytes, everyMs }: { bytes: number; everyMs: number }): number | null {
  const pace = new Pace();
  for (let reads = 1; reads <= 10_000; reads += 1) if (pace.rests(bytes, reads * everyMs)) return reads;
  return null;
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

  test('no more for a while, once a rest took so long that others must have had the processor', () => {
    const pace = new Pace();
    let nowMs = 0;
    while (!pace.rests(256, nowMs)) nowMs += 0.03;
    pace.woke({ afterMs: 100, nowMs: 100 });
    for (nowMs = 100; nowMs < 1099; nowMs += 3) expect(pace.rests(45_000, nowMs)).toBe(false);
    while (!pace.rests(256, nowMs)) nowMs += 0.03;
    pace.woke({ afterMs: 1.4, nowMs });
    expect(pace.rests(45_000, nowMs)).toBe(true);
    expect(nowMs).toBeLessThan(1110);
  });

  test('no more when a rest brought little: what comes then is handed on at once', () => {
    const pace = new Pace();
    let nowMs = 0;
    while (!pace.rests(256, nowMs)) nowMs += 0.03;
    expect(pace.rests(45_000, nowMs + 1)).toBe(true);
    expect(pace.rests(65_536, nowMs + 2)).toBe(false);
    expect(pace.rests(30_000, nowMs + 2.1)).toBe(true);
    expect(pace.rests(800, nowMs + 3)).toBe(false);
    expect(pace.rests(800, nowMs + 3.1)).toBe(false);
  });
});
