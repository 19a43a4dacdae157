/**
 * When to let the kernel gather before the socket is read again. The server sends each message by itself: a reader that
 * takes each as it comes is woken for each, and so is the server, which costs it more than decoding does. One that
 * waits for a moment reads tens of kilobytes at once. Only while there is a backlog: otherwise it would be latency.
 */

/** How long to wait. Twice as long, and the 64 KiB that Node reads at most would be the limit. */
export const restMs = 1;

/** About what Node reads at most: the kernel has more, and there is nothing to wait for. */
export const fullReadBytes = 60_000;

/** So much within so long is a backlog, 4 MB/s: some 4,000 small transactions a second that are not one read each. */
const denseBytes = 16 * 1024;
const windowMs = 4;

/** What a rest brought is less: the backlog is read. */
const sparseBytes = 2 * 1024;

/**
 * A rest that took longer says that others have the processor: what we read, we read late in any case, and each rest would
 * be one more wait for our turn. Then there is none for a while.
 */
const lateMs = 5;
const wakefulMs = 1000;

/** Of one connection. */
export class Pace {
  #isDense = false;
  #wakefulUntilMs = 0;
  #windowBytes = 0;
  #windowFromMs = 0;

  /** Whether to rest after a read of so many bytes. */
  rests(bytes: number, nowMs: number): boolean {
    if (bytes >= fullReadBytes || nowMs < this.#wakefulUntilMs) return false;
    if (this.#isDense) {
      this.#isDense = bytes >= sparseBytes;
      this.#windowBytes = 0;
      return this.#isDense;
    }
    if (nowMs - this.#windowFromMs > windowMs) {
      this.#windowFromMs = nowMs;
      this.#windowBytes = 0;
    }
    this.#windowBytes += bytes;
    this.#isDense = this.#windowBytes >= denseBytes;
    return this.#isDense;
  }

  /** A rest is over, after so long. */
  woke({ afterMs, nowMs }: { afterMs: number; nowMs: number }): void {
    if (afterMs <= lateMs) return;
    this.#wakefulUntilMs = nowMs + wakefulMs;
    this.#isDense = false;
  }
}
