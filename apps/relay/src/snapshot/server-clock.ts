/** The server's clock, asked now and then and kept going by our own: a question for each chunk would be half of its round trips. */
import { performance } from 'node:perf_hooks';

const askedEveryMs = 1000;

export class ServerClock {
  readonly #ask: () => Promise<bigint>;
  #said: { readonly timeUs: bigint; readonly atMs: number } | null = null;

  /** `ask`: µs since 1970. */
  constructor(ask: () => Promise<bigint>) {
    this.#ask = ask;
  }

  /** µs since 1970, `nowMs` by our own clock, which never goes back. Throws what `ask` throws. */
  async timeUs(nowMs = performance.now()): Promise<bigint> {
    if (this.#said === null || nowMs - this.#said.atMs >= askedEveryMs)
      this.#said = { timeUs: await this.#ask(), atMs: nowMs };
    const { timeUs, atMs } = this.#said;
    return timeUs + BigInt(Math.round((nowMs - atMs) * 1000));
  }
}
