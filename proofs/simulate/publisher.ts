/** How one session of the model publishes, with transactions and without, as `packages/kafka` does: each step once, in turn. */
import type { DeliveryMode, Progress } from '@diptych/delivery/protocol';
import { isWord } from './commands.ts';
import type { Answer, Kafka } from './kafka.ts';
import { type Asked, KafkaClient, type KafkaClientContext, type Outcome } from './kafka-client.ts';
import type { Deviation, Mutant } from './mutants.ts';
import { checkpointPartition, coordinator, partitionOf, recordPartitions } from './partitions.ts';
import type { RecordId } from './wal.ts';
import type { World } from './world.ts';

export interface Batch {
  readonly records: readonly RecordId[];
  readonly progress: Progress;
}

/** Requests that are sent at once; all of them are answered before the next step. */
type Requests = readonly Asked<null>[];

export interface PublisherOptions {
  readonly delivery: DeliveryMode;
  readonly transactionalId: string;
  readonly deviation: Deviation | null;
}

export class Publisher {
  readonly #world: World;
  readonly #client: KafkaClient;
  readonly #options: PublisherOptions;
  #epoch = 0;
  #sequence = 0;
  /** What the checkpoints said when the session read them: nothing of it may be published again. */
  #floor: Progress | null = null;

  constructor(context: KafkaClientContext, options: PublisherOptions) {
    this.#world = context.world;
    this.#client = new KafkaClient(context);
    this.#options = options;
  }

  set floor(progress: Progress) {
    this.#floor = progress;
  }

  close(): void {
    this.#client.close();
  }

  fence(then: (ok: boolean) => void): void {
    const { delivery, transactionalId } = this.#options;
    const serve = (kafka: Kafka): Answer<number> =>
      delivery === 'exactly-once' ? kafka.initProducer(transactionalId) : { tag: 'done', value: 0 };
    const hear = (outcome: Outcome<number>) => {
      if (outcome.tag === 'done') this.#epoch = outcome.value;
      then(outcome.tag === 'done');
    };
    this.#client.request({ to: coordinator, serve }, { watched: false, hear });
  }

  /** Anything but an answer that says so leaves the outcome unknown. */
  publish(batch: Batch, then: (outcome: Outcome<null>['tag']) => void): void {
    const { deviation } = this.#options;
    this.#run(this.#stepsOf(batch), (outcome) => {
      if (outcome.tag === 'no-answer' && deviation === 'resend-unknown-outcome')
        return this.publish(batch, then);
      if (outcome.tag !== 'done') this.#world.coverage.unknownOutcomes += 1;
      then(outcome.tag);
    });
    if (deviation === 'acknowledge-when-sent') then('done');
  }

  #stepsOf({ records, progress }: Batch): Requests[] {
    const { delivery, deviation } = this.#options;
    if (delivery === 'at-least-once') return this.#acknowledgedSteps({ records, progress });
    if (deviation !== 'checkpoint-apart') return this.#transaction(records, progress);
    return [
      ...(records.length > 0 ? this.#transaction(records, null) : []),
      ...this.#transaction([], progress),
    ];
  }

  #transaction(records: readonly RecordId[], progress: Progress | null): Requests[] {
    const { transactionalId } = this.#options;
    const identity = { transactionalId, epoch: this.#epoch };
    const sends = this.#divided(records);
    const steps = sends.map((send, index): Requests => {
      this.#sequence += 1;
      const sequence = this.#sequence;
      const produce = ({ partition, ...batch }: Placed): Asked<null> => {
        const request = { ...identity, partition, sequence, ...batch };
        return { to: partition, serve: (kafka) => kafka.produce(request) };
      };
      return placed(send, index === sends.length - 1 ? progress : null).map(produce);
    });
    return [...steps, [{ to: coordinator, serve: (kafka) => kafka.commit(identity), isCommit: true }]];
  }

  /** In one send, or in several when the batch is larger than a request may be. */
  #divided(records: readonly RecordId[]): (readonly RecordId[])[] {
    if (records.length < 2 || !this.#world.random.chance(0.25)) return [records];
    const place = this.#world.random.whole(1, records.length - 1);
    return [records.slice(0, place), records.slice(place)];
  }

  /** Each partition of a send is acknowledged or not by itself: the brokers that lead them are not one. */
  #acknowledgedSteps({ records, progress }: Batch): Requests[] {
    const { deviation } = this.#options;
    const sends = this.#divided(records).flatMap((send) =>
      deviation === 'word-with-records' ? [send] : cutBeforeWords(send),
    );
    const steps = sends.map((send, index) => {
      const isLast = index === sends.length - 1;
      return this.#requests(send, isLast ? progress : null);
    });
    return deviation === 'sends-at-once' ? [steps.flat()] : steps;
  }

  #requests(records: readonly RecordId[], progress: Progress | null): Requests {
    const floor = this.#floor;
    return placed(records, progress).map(({ partition, ...batch }) => ({
      to: partition,
      serve: (kafka) => kafka.append({ ...batch, floor }),
    }));
  }

  #run(steps: readonly Requests[], then: (outcome: Outcome<null>) => void): void {
    const [step, ...rest] = steps;
    if (!step) return then({ tag: 'done', value: null });
    let unanswered = step.length;
    for (const request of step) {
      this.#client.request(request, {
        watched: true,
        hear: (outcome) => {
          if (unanswered <= 0) return;
          unanswered = outcome.tag === 'done' ? unanswered - 1 : 0;
          if (outcome.tag !== 'done') then(outcome);
          else if (unanswered === 0) this.#run(rest, then);
        },
      });
    }
  }
}

/** The transactional id is that of the slot, the same for every session of every relay. */
export function createPublisher(context: KafkaClientContext & { readonly rules: Mutant }): Publisher {
  const { deviation } = context.rules;
  const { coverage, plan } = context.world;
  const transactionalId = deviation === 'no-fencing' ? `session ${coverage.sessions}` : 'slot';
  return new Publisher(context, { delivery: plan.delivery, transactionalId, deviation });
}

/** One partition's batch of a send: each has a leader of its own. */
interface Placed {
  readonly partition: number;
  readonly records: readonly RecordId[];
  readonly progress: Progress | null;
}

function placed(records: readonly RecordId[], progress: Progress | null): Placed[] {
  const batches: Placed[] = [];
  for (let partition = 0; partition < recordPartitions; partition += 1) {
    const own = records.filter((record) => partitionOf(record) === partition);
    if (own.length > 0) batches.push({ partition, records: own, progress: null });
  }
  if (progress) batches.push({ partition: checkpointPartition, records: [], progress });
  return batches;
}

function cutBeforeWords(records: readonly RecordId[]): (readonly RecordId[])[] {
  const sends: RecordId[][] = [[]];
  for (const record of records) {
    if (isWord(record) && sends.at(-1)?.length) sends.push([]);
    sends.at(-1)?.push(record);
  }
  return sends;
}
