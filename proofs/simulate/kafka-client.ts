/** Requests to the modelled brokers over a network that loses, delays and repeats them. */
import type { Progress } from '@diptych/delivery/protocol';
import type { Answer, Kafka } from './kafka.ts';
import type { Deviation } from './mutants.ts';
import { timing } from './plan.ts';
import type { Process } from './process.ts';
import type { RecordId } from './wal.ts';
import type { World } from './world.ts';

export type Outcome<T> = Answer<T> | { readonly tag: 'no-answer' };

export interface Batch {
  readonly records: readonly RecordId[];
  readonly progress: Progress;
}

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

/** The transactional publisher of one session, as `packages/kafka` has it: each step once, in turn. */
export class Publisher {
  readonly #world: World;
  readonly #client: KafkaClient;
  readonly #transactionalId: string;
  readonly #deviation: Deviation | null;
  #epoch = 0;
  #sequence = 0;

  constructor(
    context: KafkaClientContext,
    { transactionalId, deviation }: { transactionalId: string; deviation: Deviation | null },
  ) {
    this.#world = context.world;
    this.#client = new KafkaClient(context);
    this.#transactionalId = transactionalId;
    this.#deviation = deviation;
  }

  close(): void {
    this.#client.close();
  }

  fence(then: (ok: boolean) => void): void {
    this.#client.request((kafka) => kafka.initProducer(this.#transactionalId), {
      watched: false,
      hear: (outcome) => {
        if (outcome.tag === 'done') this.#epoch = outcome.value;
        then(outcome.tag === 'done');
      },
    });
  }

  /** One Kafka transaction. Anything but an answer that says so leaves the outcome unknown. */
  publish(batch: Batch, then: (ok: boolean) => void): void {
    const { records, progress } = batch;
    const steps =
      this.#deviation === 'checkpoint-apart' ? this.#stepsApart(batch) : this.#steps(records, progress);
    this.#run(steps, (outcome) => {
      if (outcome.tag === 'no-answer' && this.#deviation === 'resend-unknown-outcome')
        return this.publish(batch, then);
      if (outcome.tag !== 'done') this.#world.coverage.unknownOutcomes += 1;
      then(outcome.tag === 'done');
    });
  }

  /** In one send, or in several when the batch is larger than a request may be. */
  #steps(records: readonly RecordId[], progress: Progress | null): ((kafka: Kafka) => Answer<null>)[] {
    const divided = records.length > 1 && this.#world.random.chance(0.25);
    const first = divided ? records.slice(0, this.#world.random.whole(1, records.length - 1)) : [];
    const identity = { transactionalId: this.#transactionalId, epoch: this.#epoch };
    const sends = [
      ...(divided ? [{ records: first, progress: null }] : []),
      { records: records.slice(first.length), progress },
    ].map((send) => {
      this.#sequence += 1;
      const request = { ...identity, ...send, sequence: this.#sequence };
      return (kafka: Kafka) => kafka.produce(request);
    });
    return [...sends, (kafka) => kafka.commit(identity)];
  }

  #stepsApart({ records, progress }: Batch): ((kafka: Kafka) => Answer<null>)[] {
    return [...(records.length > 0 ? this.#steps(records, null) : []), ...this.#steps([], progress)];
  }

  #run(steps: readonly ((kafka: Kafka) => Answer<null>)[], then: (outcome: Outcome<null>) => void): void {
    const [step, ...rest] = steps;
    if (!step) return then({ tag: 'done', value: null });
    this.#client.request(step, {
      watched: true,
      hear: (outcome) => (outcome.tag === 'done' ? this.#run(rest, then) : then(outcome)),
    });
  }
}
