/** Sees what a consumer sees: when each record arrives at an ordinary `read_committed` reader. */
import { identityHeader, parseIdentity } from '@diptych/kafka/identity';
import { follow } from '@diptych/kafka/partition-reader';
import { poll } from '@diptych/runtime/poll';

const arrivalTimeoutMs = 60_000;

interface Sought {
  readonly afterMs: number;
  arrivedAtMs: number | undefined;
}

export class Observer {
  readonly #stopping = new AbortController();
  readonly #work: Promise<void>;
  /** Of the record that came last, on the clock of `Date.now`. */
  #last = { committedAtMs: 0, arrivedAtMs: 0 };
  #sought: Sought | null = null;

  constructor({ brokers, topic }: { brokers: readonly string[]; topic: string }) {
    this.#work = this.#follow(brokers, topic);
    this.#work.catch(() => {}); // awaited by close
  }

  /** How long the record that came last had been under way, and how long ago that was; both in ms. */
  get lag(): { underWayMs: number; agoMs: number } {
    const { committedAtMs, arrivedAtMs } = this.#last;
    return { underWayMs: arrivedAtMs - committedAtMs, agoMs: Date.now() - arrivedAtMs };
  }

  /** When the first record arrives that was committed to Postgres after this moment: nobody else can have published it. */
  async firstCommittedAfter(afterMs: number, signal: AbortSignal): Promise<number> {
    const sought: Sought = { afterMs, arrivedAtMs: undefined };
    this.#sought = sought;
    const what = 'a record arrives again';
    return await poll(() => sought.arrivedAtMs, {
      what,
      timeoutMs: arrivalTimeoutMs,
      intervalMs: 20,
      signal,
    });
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#work;
  }

  async #follow(brokers: readonly string[], topic: string): Promise<void> {
    for await (const record of follow({
      brokers,
      topics: [topic],
      from: 'beginning',
      signal: this.#stopping.signal,
    })) {
      const arrivedAtMs = Date.now();
      const committedAtMs =
        Number(parseIdentity(record.headers.get(identityHeader) ?? '').commitTimeUs) / 1000;
      this.#last = { committedAtMs, arrivedAtMs };
      if (this.#sought && committedAtMs > this.#sought.afterMs) {
        this.#sought.arrivedAtMs = arrivedAtMs;
        this.#sought = null;
      }
    }
  }
}
