/**
 * When to let the kernel gather before the socket is read again. The server sends each message by itself: a reader that
 * takes each as it comes is woken for each, and so is the server, which costs it more than decoding does. One that
 * waits for a moment reads tens of kilobytes at once. Only while there is a backlog: otherwise it would be latency.
 *
 * A reader that is behind need not wait: the server's window is closed, and what it sends gathers on its side. One that has caught up
 * with a deep backlog waits for long, once, until it is behind again. Else it would stay ahead: each message would be a packet of
 * its own, for which the server takes a third more (docs/decisions/0050-long-rests.md).
 */

/** How long to wait for what comes steadily. Twice as long, and the 64 KiB that Node reads at most would be the limit. */
export const restMs = 1;

/** How long to wait in a deep backlog: a few megabytes, so that it takes a while to catch up again. */
export const longRestMs = 60;

/** About what Node reads at most: the kernel has more, and there is nothing to wait for. */
export const fullReadBytes = 60_000;

/** So much within so long is a backlog, 4 MB/s: some 4,000 small transactions a second that are not one read each. */
const denseBytes = 16 * 1024;
const windowMs = 4;

/** So much within so long, 8 MB/s: it is deep, and nobody waits for its newest transaction. A burst is no backlog. */
const deepBytes = 2 * 1024 * 1024;
const deepWindowMs = 250;

/** What a rest brought is less: the backlog is read. */
const sparseBytes = 2 * 1024;

/** Of one connection. */
export class Pace {
  readonly #small = new Window(windowMs);
  readonly #all = new Window(deepWindowMs);
  #isDense = false;
  /** So much came in the last window that was whole. */
  #wasDeep = false;

  /** How long to rest after a read of so many bytes, in ms; 0: not at all. */
  rest(bytes: number, nowMs: number): number {
    if (this.#all.isOver(nowMs)) this.#wasDeep = this.#all.restart(nowMs) >= deepBytes;
    this.#all.bytes += bytes;
    if (bytes >= fullReadBytes) return 0;
    this.#isDense = this.#isDense ? bytes >= sparseBytes : this.#gathers(bytes, nowMs);
    if (!this.#isDense) return 0;
    this.#small.restart(nowMs);
    return this.#wasDeep || this.#all.bytes >= deepBytes ? longRestMs : restMs;
  }

  /** Whether small reads make a backlog. */
  #gathers(bytes: number, nowMs: number): boolean {
    if (this.#small.isOver(nowMs)) this.#small.restart(nowMs);
    this.#small.bytes += bytes;
    return this.#small.bytes >= denseBytes;
  }
}

/** What came within some time. */
class Window {
  readonly #lengthMs: number;
  bytes = 0;
  #fromMs = 0;

  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs;
  }

  isOver(nowMs: number): boolean {
    return nowMs - this.#fromMs > this.#lengthMs;
  }

  /** From now on; answers what came in the one before, if there was none between. */
  restart(nowMs: number): number {
    const isNext = nowMs - this.#fromMs <= 2 * this.#lengthMs;
    const bytes = isNext ? this.bytes : 0;
    this.bytes = 0;
    this.#fromMs = nowMs;
    return bytes;
  }
}
