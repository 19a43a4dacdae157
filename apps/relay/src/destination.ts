/** Kafka as the relay sees it: its topics, its checkpoint, its publisher. */
import { type Checkpoint, checkpointRecord, readCheckpoint } from '@diptych/kafka/checkpoint';
import { createPublisher } from '@diptych/kafka/create-publisher';
import type { Publisher } from '@diptych/kafka/publisher';
import type { OutgoingRecord } from '@diptych/kafka/record';
import { askTopics, ensureTopics, eventTopicSpec, ownTopicNames, topicSpecs } from '@diptych/kafka/topics';
import type { SourceSystem } from '@diptych/wal/server';
import type { Configuration } from './configuration.ts';
import { type AcceptedGap, encodeGap } from './parking/parked-record.ts';
import { PartitionAgreement, type PartitionChange } from './partition-agreement.ts';

/** Of `timing.publishTimeoutMs`; the rest is for the answer that the transaction was aborted. */
const transactionShare = 1 / 2;
const requestShare = 1 / 4;
const requestTimeoutMs = 10_000;
const checkpointReadTimeoutMs = 20_000;

/** The same for every relay of a slot, and for no other. */
export const transactionalIdOf = (
  { prefix, slot }: Pick<Configuration, 'prefix' | 'slot'>,
  { systemId }: Pick<SourceSystem, 'systemId'>,
): string => `diptych/${prefix}/${systemId}/${slot}`;

/** Of `timing.publishTimeoutMs`: a dead relay's Kafka transaction is ended by the broker then. */
export const transactionTimeoutOf = ({ timing }: Pick<Configuration, 'timing'>): number =>
  Math.round(timing.publishTimeoutMs * transactionShare);

export class Destination {
  readonly #configuration: Configuration;
  readonly #known = new Set<string>();
  readonly #agreement = new PartitionAgreement();
  readonly #checkpointTopic: string;

  constructor(configuration: Configuration) {
    this.#configuration = configuration;
    this.#checkpointTopic = ownTopicNames(configuration).checkpoint;
  }

  /** What the committed checkpoints of the slot say, null when there is none. */
  readCheckpoint(): Promise<Checkpoint | null> {
    const { kafka, slot } = this.#configuration;
    const { brokers } = kafka;
    return readCheckpoint({
      brokers,
      topic: this.#checkpointTopic,
      slot,
      timeoutMs: checkpointReadTimeoutMs,
    });
  }

  /** The checkpoint's record, with what is agreed of partitions. */
  checkpointRecord(checkpoint: Omit<Checkpoint, 'partitions'>): OutgoingRecord {
    const { partitions } = this.#agreement;
    return checkpointRecord(
      { ...checkpoint, partitions },
      { topic: this.#checkpointTopic, timestampMs: Date.now() },
    );
  }

  /** What an operator accepted, and the checkpoint that goes on over it: nobody finds the second without the first. */
  checkpointBehind(
    accepted: readonly OutgoingRecord[],
    checkpoint: Omit<Checkpoint, 'partitions'>,
  ): OutgoingRecord[] {
    return [...accepted, { ...this.checkpointRecord(checkpoint), vouches: true }];
  }

  /** Says in the parked topic which gap was accepted. */
  gapRecord(gap: AcceptedGap): OutgoingRecord {
    const { slot } = this.#configuration;
    return encodeGap(gap, { parkedTopic: ownTopicNames(this.#configuration).parked, slot });
  }

  /** Ends the slot's story: the next `init` begins a new one. */
  checkpointTombstone(): OutgoingRecord {
    const key = Buffer.from(this.#configuration.slot);
    return { topic: this.#checkpointTopic, key, value: null, headers: [], timestampMs: Date.now() };
  }

  /**
   * Its transactional id is the same for every relay of this slot, and for no other. At least once there is none, and
   * what a relay with one has left open in our topics is waited for.
   */
  createPublisher(source: SourceSystem): Publisher {
    const { kafka, slot, delivery, timing } = this.#configuration;
    const { checkpoint, parked } = ownTopicNames(this.#configuration);
    return createPublisher(kafka.driver, {
      brokers: kafka.brokers,
      clientId: `diptych ${slot}`,
      transactionalId: delivery === 'exactly-once' ? transactionalIdOf(this.#configuration, source) : null,
      settledTopics: [checkpoint, parked],
      // Broker-side: a dead relay's open transaction hides later records from readers for so long.
      transactionTimeoutMs: transactionTimeoutOf(this.#configuration),
      requestTimeoutMs: Math.min(requestTimeoutMs, timing.publishTimeoutMs * requestShare),
      // Its newest record is looked for where the others are.
      partitionsOf: (topic) => (topic === this.#checkpointTopic ? 1 : this.#agreement.of(topic)),
    });
  }

  /** The topics that every relay has: checkpoint, transaction, parked; and heartbeat, when it emits some. */
  async ensureOwnTopics(): Promise<void> {
    const { kafka, prefix, slot, heartbeat } = this.#configuration;
    const { brokers, replicationFactor } = kafka;
    const specs = topicSpecs({ prefix, slot, eventTopics: [], heartbeat: heartbeat.intervalMs > 0 });
    await ensureTopics({ brokers, replicationFactor, specs });
  }

  /** Topics of events appear with their first record, or with `init`. */
  async ensureTopics(records: readonly { readonly topic: string }[]): Promise<void> {
    const unknown = new Set<string>();
    for (const { topic } of records) if (!this.#known.has(topic)) unknown.add(topic);
    if (unknown.size === 0) return;
    const { brokers, partitions, replicationFactor } = this.#configuration.kafka;
    const own = new Set(Object.values(ownTopicNames(this.#configuration)));
    const specs = [...unknown]
      .filter((name) => !own.has(name))
      .map((name) => ({ ...eventTopicSpec(name), partitions }));
    if (specs.length > 0) await ensureTopics({ brokers, replicationFactor, specs });
    this.#agreement.agree(await this.#countPartitions([...unknown]));
    for (const topic of unknown) if (this.#agreement.of(topic) !== undefined) this.#known.add(topic);
  }

  /** Kafka was away: topics are asked for again, and made when somebody deleted them. */
  async ensureTopicsAnew(): Promise<void> {
    this.#known.clear();
    await this.ensureOwnTopics();
  }

  /** Goes on placing keys as a checkpoint says. */
  resumePartitions(partitions: Checkpoint['partitions']): void {
    this.#agreement.resume(partitions);
  }

  /**
   * Topics that got more partitions than their keys are placed in. Throws OperatingError: `partitions-changed` for one that
   * has fewer, `kafka-unreachable`, `kafka-refused`.
   */
  async comparePartitions(): Promise<PartitionChange[]> {
    return this.#agreement.compare(await this.#countPartitions(this.#agreement.topics));
  }

  /** Places keys in the partitions that there are, from now on. Answers where that changes something. */
  async acceptPartitions(): Promise<PartitionChange[]> {
    return this.#agreement.accept(await this.#countPartitions(this.#agreement.topics));
  }

  async #countPartitions(topics: readonly string[]): Promise<Map<string, number>> {
    if (topics.length === 0) return new Map();
    const { brokers } = this.#configuration.kafka;
    const found = await askTopics({ brokers, timeoutMs: requestTimeoutMs }, topics);
    return new Map([...found].map(([topic, { leaders }]) => [topic, leaders.length]));
  }
}
