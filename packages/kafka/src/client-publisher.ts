import { assert } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import { classify } from './classify.ts';
import { within } from './deadline.ts';
import { untilNothingIsOpen } from './open-transactions.ts';
import { PackedRecord } from './packed-record.ts';
import { PackedTopic, Packing, PackingMemory, type Send, type TooLong } from './packing.ts';
import { partitionOf } from './partitioner.ts';
import type { Publisher, PublisherOptions } from './publisher.ts';
import type { OutgoingRecord } from './record.ts';
import { TopicCatalog } from './topic-catalog.ts';

/** What a Kafka client has to offer. Its calls come one after another; any error may pass through as it is. */
export interface ClientDriver {
  /** Records of one `send` at most: bounds the work between two looks at the event loop. */
  readonly sendRecordsMax: number;
  /** Connects, and InitProducerId. */
  fence(): Promise<void>;
  /** Sends to the given partitions, in order, and waits until all in-sync replicas have the records. */
  send(places: Send): Promise<void>;
  /** Ends the transaction that the first send began; without transactions there is nothing to do. */
  commit(): Promise<void>;
  /** Ends the connections, whatever is in flight. Never throws. */
  close(): Promise<void>;
}

/** A produce request is bounded by the broker's `socket.request.max.bytes` (100 MiB); it holds it whole in memory. */
const sendBytesMax = 16 * 1024 * 1024;

type State = 'new' | 'fencing' | 'idle' | 'publishing' | 'dead' | 'closed';

/** The part of publishing that is the same for every client, with transactions and without. */
export class ClientPublisher implements Publisher {
  readonly #driver: ClientDriver;
  readonly #options: PublisherOptions;
  readonly #catalog: TopicCatalog;
  readonly #partitionsOf: (topic: string) => number | undefined;
  readonly #fenceTimeoutMs: number;
  readonly #publishTimeoutMs: number;
  readonly #memory = new PackingMemory();
  readonly #topics = new Map<string, KnownTopic>();
  #plans = 0;
  #state: State = 'new';

  constructor(driver: ClientDriver, options: PublisherOptions) {
    this.#driver = driver;
    this.#options = options;
    this.#catalog = new TopicCatalog(options);
    this.#partitionsOf = options.partitionsOf ?? (() => undefined);
    // InitProducerId first ends an older transaction; two requests' time is plenty, and a dead broker is said soon.
    this.#fenceTimeoutMs = options.requestTimeoutMs * 2;
    // After its own timeout the broker aborts the transaction in any case.
    this.#publishTimeoutMs = options.transactionTimeoutMs + options.requestTimeoutMs;
  }

  async fence(): Promise<void> {
    assert(this.#state === 'new', `a publisher is fenced once, this one is ${this.#state}`);
    this.#state = 'fencing';
    try {
      await within(this.#driver.fence(), { limitMs: this.#fenceTimeoutMs, what: 'InitProducerId' });
      // Nobody's transaction is ended by us: what a transactional publisher before us left open ends by its timeout.
      if (this.#options.transactionalId === null) await untilNothingIsOpen(this.#options);
      this.#move('fencing', 'idle');
    } catch (error) {
      await this.#die();
      throw classify(error, 'asking');
    }
  }

  async publish(records: readonly OutgoingRecord[], last: OutgoingRecord | null = null): Promise<void> {
    // Whoever closes it does not wait for what others are about to publish: nothing was begun, and nothing will be.
    if (this.#state === 'closed') throw closedBefore();
    assert(this.#state === 'idle', `a publisher publishes when idle, this one is ${this.#state}`);
    if (records.length === 0 && last === null) return;
    this.#state = 'publishing';
    const sends = await this.#plan(records, last);
    try {
      await within(this.#send(sends), { limitMs: this.#publishTimeoutMs, what: 'publishing a batch' });
      this.#memory.clear();
      this.#move('publishing', 'idle');
    } catch (error) {
      await this.#die();
      throw classify(error, 'publishing');
    }
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    await this.#driver.close();
  }

  /** Where each record goes and with which send. Nothing is begun yet, so an error leaves the publisher usable. */
  async #plan(records: readonly OutgoingRecord[], last: OutgoingRecord | null): Promise<readonly Send[]> {
    try {
      const unknown = new Set<string>();
      const sends = this.#pack(records, last, unknown);
      if (unknown.size === 0) return sends;
      await this.#catalog.load(unknown);
      return this.#pack(records, last, new Set());
    } catch (error) {
      if (this.#state === 'publishing') this.#state = 'idle';
      throw classify(error, 'asking');
    }
  }

  /** Names the topics that are `unknown`, which have to be loaded before it is the plan. */
  #pack(
    records: readonly OutgoingRecord[],
    last: OutgoingRecord | null,
    unknown: Set<string>,
  ): readonly Send[] {
    const limits = {
      sendBytesMax,
      sendRecordsMax: this.#driver.sendRecordsMax,
      isAtomic: this.#options.transactionalId !== null,
    };
    const packing = new Packing(limits, this.#memory);
    this.#plans += 1;
    const pack = (record: OutgoingRecord): void => {
      let known = this.#topics.get(record.topic);
      if (known?.plan !== this.#plans) {
        if (!this.#catalog.has(record.topic)) {
          unknown.add(record.topic);
          return;
        }
        known = this.#known(record.topic);
      }
      put(record, { packing, known });
    };
    for (const record of records) pack(record);
    if (last !== null) pack(last);
    return packing.end();
  }

  /** A topic, as this plan takes it. */
  #known(name: string): KnownTopic {
    const { partitions: there, messageBytesMax } = this.#catalog.limitsOf(name);
    const topic = () => new PackedTopic(name, messageBytesMax);
    const known = this.#topics.get(name) ?? { topic: topic(), there, agreed: there, plan: 0 };
    known.agreed = this.#partitionsOf(name) ?? there;
    known.plan = this.#plans;
    this.#topics.set(name, known);
    return known;
  }

  /** Each step only while nobody closed the publisher or gave it up: a late answer must not lead to a commit. */
  async #send(sends: readonly Send[]): Promise<void> {
    for (const send of sends) {
      this.#move('publishing', 'publishing');
      await this.#driver.send(send);
    }
    this.#move('publishing', 'publishing');
    await this.#driver.commit();
  }

  #move(from: State, to: State): void {
    if (this.#state !== from) throw new Error(`the publisher was ${this.#state} meanwhile`);
    this.#state = to;
  }

  async #die(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'dead';
    await this.#driver.close();
  }
}

/** How many partitions there are, and how many of them keys are spread over in a plan. */
interface KnownTopic {
  readonly topic: PackedTopic;
  readonly there: number;
  agreed: number;
  /** The number of that plan. */
  plan: number;
}

/** Throws OperatingError: `kafka-refused`, `record-too-large`. */
function put(
  record: OutgoingRecord,
  { packing, known: { topic, there, agreed } }: { packing: Packing; known: KnownTopic },
): void {
  const isEvery = record.spread === 'every';
  const first = isEvery ? 0 : partitionIn(record, agreed);
  const last = isEvery ? agreed - 1 : first;
  if (!isEvery && first >= there)
    throw noPartition({ topic: topic.name, partition: first, partitions: there });
  for (let partition = first; partition <= last; partition += 1) {
    const failure = packing.add(record, { topic, partition });
    if (failure) throw tooLarge(failure);
  }
}

const partitionIn = (record: OutgoingRecord, partitions: number): number =>
  record instanceof PackedRecord
    ? record.partitionOf(partitions)
    : (record.partition ?? partitionOf(record.key, partitions));

const closedBefore = (): OperatingError =>
  new OperatingError('publish-outcome-unknown', 'the publisher was closed before its batch was sent', {
    remedy: 'The relay begins anew from the checkpoint.',
  });

function noPartition(what: { topic: string; partition: number; partitions: number }): OperatingError {
  const { topic, partition, partitions } = what;
  return new OperatingError(
    'kafka-refused',
    `a record asks for partition ${partition} of the topic ${topic}, which has ${partitions}`,
    { remedy: `Give the topic ${topic} at least ${partition + 1} partitions.` },
  );
}

function tooLarge({ topic, bytes, bytesMax }: TooLong): OperatingError {
  return new OperatingError(
    'record-too-large',
    `a record for the topic ${topic} takes ${bytes} bytes as a batch, the topic allows ${bytesMax}`,
    { remedy: `Raise max.message.bytes of the topic ${topic} to at least ${bytes}.` },
  );
}
