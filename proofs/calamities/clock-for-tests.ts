/**
 * Loaded before a relay (`node --import <this>?file=<path>`): its wall clock stands as far ahead or behind as the file says,
 * in ms, and jumps whenever that changes; `<path>.seen` says how far it is. Timers and `performance.now` go on as they do when
 * a machine's clock is set. https://man7.org/linux/man-pages/man2/clock_gettime.2.html (CLOCK_MONOTONIC)
 */
import { readFileSync, watchFile, writeFileSync } from 'node:fs';

const file = new URL(import.meta.url).searchParams.get('file') ?? '';
const RealDate = Date;
const realNow = Date.now.bind(Date);
let aheadMs = 0;
const read = () => {
  aheadMs = Number(readFileSync(file, 'utf8'));
  writeFileSync(`${file}.seen`, String(aheadMs));
};
read();
watchFile(file, { interval: 20, persistent: false }, read);

class JumpingDate extends RealDate {
  constructor(...given: [] | [number | string | Date]) {
    if (given.length === 0) super(realNow() + aheadMs);
    else super(...given);
  }

  static override now(): number {
    return realNow() + aheadMs;
  }
}
globalThis.Date = JumpingDate as DateConstructor;
