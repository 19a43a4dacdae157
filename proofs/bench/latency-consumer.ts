/** A `read_committed` consumer of one topic, in a process of its own, and how whoever measures asks it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Watchdog } from '@diptych/testkit/watchdog';

const main = fileURLToPath(new URL('./latency-consumer-main.ts', import.meta.url));

/** Asked over Node's channel, one question at a time. */
export type Question =
  | { readonly tag: 'received' }
  /** About events that were written within this time, in µs since 1970. */
  | { readonly tag: 'latencies'; readonly fromUs: number; readonly untilUs: number };

export interface Latencies {
  readonly events: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

export class LatencyConsumer {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, 'exit').then(([code]) => {
      throw new Error(`the consumer ended with ${code}`);
    });
    this.#ended.catch(() => undefined);
  }

  /** Reads the topic, which exists, from its beginning; keeps at most so many events. */
  static start(options: {
    brokers: readonly string[];
    topic: string;
    eventsMax: number;
    watchdog: Watchdog;
  }): LatencyConsumer {
    const { brokers, topic, eventsMax, watchdog } = options;
    const child = fork(main, [brokers.join(','), topic, String(eventsMax)], { execArgv: [] });
    if (child.pid !== undefined) {
      const { pid } = child;
      watchdog.processStarted(pid, 'SIGKILL');
      child.once('exit', () => watchdog.processEnded(pid));
    }
    return new LatencyConsumer(child);
  }

  /** Events so far, from the beginning of the topic. */
  received(): Promise<number> {
    return this.#ask<number>({ tag: 'received' });
  }

  latencies(between: { fromUs: number; untilUs: number }): Promise<Latencies> {
    return this.#ask<Latencies>({ tag: 'latencies', ...between });
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }

  async #ask<Answer extends number | Latencies>(question: Question): Promise<Answer> {
    const answered = once(this.#child, 'message') as Promise<[Answer]>;
    this.#child.send(question);
    const [answer] = await Promise.race([answered, this.#ended]);
    return answer;
  }
}
