/** Requests to the modelled brokers over a network that loses, delays and repeats them. */
import type { Answer, Kafka } from './kafka.ts';
import { timing } from './plan.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

export type Outcome<T> = Answer<T> | { readonly tag: 'no-answer' };

/** What a request comes to when the network touches it. */
type Fate = 'delivered' | 'request-lost' | 'answer-lost' | 'delivered-twice' | 'never-answered';

const concurrentRetryMs = 4;

export interface KafkaClientContext {
  readonly world: World;
  readonly kafka: Kafka;
  readonly process: Process;
}

export class KafkaClient {
  readonly #world: World;
  readonly #kafka: Kafka;
  readonly #process: Process;
  #closed = false;

  constructor({ world, kafka, process }: KafkaClientContext) {
    this.#world = world;
    this.#kafka = kafka;
    this.#process = process;
  }

  /** No answer is heard any more; what is under way arrives all the same. */
  close(): void {
    this.#closed = true;
  }

  /** `watched`: whoever asks has a watchdog of its own, so that an answer may stay away for good. */
  request<T>(
    serve: (kafka: Kafka) => Answer<T>,
    { watched, hear }: { watched: boolean; hear: (outcome: Outcome<T>) => void },
  ): void {
    const fate = this.#fate();
    let heard = false;
    const settle = (outcome: Outcome<T>) =>
      this.#process.deliver(this, () => {
        if (heard || this.#closed) return;
        heard = true;
        if (outcome.tag !== 'concurrent') return hear(outcome);
        this.#process.after(concurrentRetryMs, () => {
          if (!this.#closed) this.request(serve, { watched, hear });
        });
      });
    const delayMs = this.#process.travelMs(this.#world.requestDelayMs());
    const answers = fate === 'delivered' || fate === 'delivered-twice';
    if (fate !== 'request-lost') {
      this.#arrive(delayMs, serve, (outcome) => {
        if (answers) settle(outcome);
        else if (outcome.tag === 'done') this.#world.coverage.unheardCommits += 1;
      });
    }
    if (fate === 'delivered-twice') {
      this.#world.coverage.duplicatedRequests += 1;
      this.#arrive(delayMs + this.#world.latencyMs() / 8, serve, () => {});
    }
    if (fate === 'never-answered' && watched) return;
    // A request that is answered soon needs no deadline; `#arrive` sets one when the broker turns out to be away.
    if (answers && delayMs < timing.requestTimeoutMs / 2) return;
    const { random } = this.#world;
    const early = !answers && random.chance(0.7);
    this.#giveUpAfter(early ? random.between(1, 300) : timing.requestTimeoutMs, settle);
  }

  #giveUpAfter(delayMs: number, settle: (outcome: { readonly tag: 'no-answer' }) => void): void {
    this.#world.agenda.after(delayMs, () => settle({ tag: 'no-answer' }));
  }

  #fate(): Fate {
    const { random, calm, plan } = this.#world;
    if (calm || plan.lossPerRequest === 0 || !random.chance(plan.lossPerRequest * 1.5)) return 'delivered';
    const draw = random.next();
    if (draw < 0.3) return 'request-lost';
    if (draw < 0.6) return 'answer-lost';
    return draw < 0.67 ? 'never-answered' : 'delivered-twice';
  }

  #arrive<T>(
    delayMs: number,
    serve: (kafka: Kafka) => Answer<T>,
    answer: (outcome: Outcome<T>) => void,
  ): void {
    this.#world.underWay += 1;
    this.#world.agenda.after(delayMs, () => {
      this.#world.underWay -= 1;
      const { awayMs } = this.#kafka;
      if (awayMs > 0) {
        // It waits for the new leader, or it is refused.
        const waits = this.#world.random.chance(0.5);
        if (waits) this.#arrive(awayMs + this.#world.latencyMs(), serve, answer);
        return this.#giveUpAfter(waits ? timing.requestTimeoutMs : this.#world.latencyMs(), answer);
      }
      const outcome = serve(this.#kafka);
      this.#world.agenda.after(this.#process.travelMs(this.#world.latencyMs()), () => answer(outcome));
    });
  }
}
