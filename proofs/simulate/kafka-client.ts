/** Requests to the modelled brokers over a network that loses, delays and repeats them. */
import type { Answer, Kafka } from './kafka.ts';
import { checkpointPartition } from './partitions.ts';
import { slowMsMax, timing } from './plan.ts';
import type { Process } from './process.ts';
import type { Coverage, World } from './world.ts';

export type Outcome<T> = Answer<T> | { readonly tag: 'no-answer' };

/** What a request comes to when the network touches it. */
type Fate = 'delivered' | 'request-lost' | 'answer-lost' | 'delivered-twice' | 'never-answered';

const counterOf = {
  'request-lost': 'lostRequests',
  'answer-lost': 'lostAnswers',
  'never-answered': 'silentRequests',
  'delivered-twice': 'duplicatedRequests',
} as const satisfies Record<Exclude<Fate, 'delivered'>, keyof Coverage>;

const concurrentRetryMs = 4;

/** A request, and who has to answer it. */
export interface Asked<T> {
  /** A leader (partitions.ts). */
  readonly to: number;
  readonly serve: (kafka: Kafka) => Answer<T>;
  /** Ends a Kafka transaction. */
  readonly isCommit?: boolean;
}

interface Asking<T> {
  /** Whoever asks has a watchdog of its own, so that an answer may stay away for good. */
  readonly watched: boolean;
  readonly hear: (outcome: Outcome<T>) => void;
}

interface Told<T> {
  /** At the broker, when it has been served. */
  readonly arrived: (outcome: Outcome<T>) => void;
  /** Back where it was asked. */
  readonly answer: (outcome: Outcome<T>) => void;
}

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

  /** What the partition of the checkpoints answers; `fail` for anything but an answer. */
  ask<T>(
    question: (kafka: Kafka) => T,
    { hear, fail }: { hear: (answer: T) => void; fail: () => void },
  ): void {
    const serve = (kafka: Kafka) => ({ tag: 'done', value: question(kafka) }) as const;
    this.request<T>(
      { to: checkpointPartition, serve },
      { watched: false, hear: (outcome) => (outcome.tag === 'done' ? hear(outcome.value) : fail()) },
    );
  }

  request<T>(asked: Asked<T>, { watched, hear }: Asking<T>): void {
    const fate = this.#fate();
    let heard = false;
    const { coverage } = this.#world;
    const settle = (outcome: Outcome<T>) =>
      this.#process.deliver(this, () => {
        if (heard || this.#closed) return;
        heard = true;
        if (asked.isCommit && outcome.tag === 'done') coverage.unheardCommits -= 1;
        if (outcome.tag !== 'concurrent') return hear(outcome);
        this.#process.after(concurrentRetryMs, () => {
          if (!this.#closed) this.request(asked, { watched, hear });
        });
      });
    const isOver = () => heard || this.#closed;
    const delayMs = this.#process.travelMs(this.#world.requestDelayMs());
    const answers = fate === 'delivered' || fate === 'delivered-twice';
    if (fate !== 'request-lost') {
      const arrived = (outcome: Outcome<T>) => {
        if (isOver()) coverage.lateRequests += 1;
        if (asked.isCommit && outcome.tag === 'done') coverage.unheardCommits += 1;
      };
      this.#arrive(delayMs, asked, { arrived, answer: answers ? settle : () => {} });
    }
    if (fate === 'delivered-twice') {
      const arrived = () => {
        if (isOver()) coverage.lateDuplicates += 1;
      };
      this.#arrive(delayMs + this.#behindMs(asked), asked, { arrived, answer: () => {} });
    }
    if (fate === 'never-answered' && watched) return;
    // A request that is answered soon needs no deadline; `#arrive` sets one when the broker turns out to be away.
    if (answers && delayMs < timing.requestTimeoutMs / 2) return;
    const { random } = this.#world;
    const early = !answers && random.chance(0.7);
    this.#giveUpAfter(early ? random.between(1, 300) : timing.requestTimeoutMs, settle);
  }

  /**
   * When a copy arrives after the other: just behind it, or long after its answer. That of a commit never does: see
   * docs/prove.md, "What it leaves out".
   */
  #behindMs({ isCommit }: Asked<unknown>): number {
    const { random } = this.#world;
    const late = !isCommit && random.chance(0.5);
    return late ? random.between(5, slowMsMax) : this.#world.latencyMs() / 8;
  }

  #giveUpAfter(delayMs: number, settle: (outcome: { readonly tag: 'no-answer' }) => void): void {
    this.#world.agenda.after(delayMs, () => settle({ tag: 'no-answer' }));
  }

  #fate(): Fate {
    const { random, calm, plan, coverage } = this.#world;
    if (calm || plan.lossPerRequest === 0 || !random.chance(plan.lossPerRequest * 1.5)) return 'delivered';
    const draw = random.next();
    const fate =
      draw < 0.3
        ? 'request-lost'
        : draw < 0.6
          ? 'answer-lost'
          : draw < 0.67
            ? 'never-answered'
            : 'delivered-twice';
    coverage[counterOf[fate]] += 1;
    return fate;
  }

  #arrive<T>(delayMs: number, asked: Asked<T>, told: Told<T>): void {
    this.#world.underWay += 1;
    this.#world.agenda.after(delayMs, () => {
      this.#world.underWay -= 1;
      const awayMs = this.#kafka.awayMs(asked.to);
      if (awayMs > 0) {
        this.#world.coverage.leaderlessRequests += 1;
        // It waits for the new leader, or it is refused.
        const waits = this.#world.random.chance(0.5);
        if (waits) this.#arrive(awayMs + this.#world.latencyMs(), asked, told);
        return this.#giveUpAfter(waits ? timing.requestTimeoutMs : this.#world.latencyMs(), told.answer);
      }
      const outcome = asked.serve(this.#kafka);
      told.arrived(outcome);
      this.#world.agenda.after(this.#process.travelMs(this.#world.latencyMs()), () => told.answer(outcome));
    });
  }
}
