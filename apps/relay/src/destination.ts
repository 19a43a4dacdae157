/** Kafka as the relay sees it: its topics, its checkpoint, its publisher. */
import { type Checkpoint, checkpointRecord, readCheckpoint } from '@diptych/kafka/checkpoint';
import { createPublisher } from '@diptych/kafka/create-publisher';
import type { Publisher } from '@diptych/kafka/publisher';
import type { OutgoingRecord } from '@diptych/kafka/record';
import { ensureTopics, eventTopicSpec, ownTopicNames, topicSpecs } from '@diptych/kafka/topics';
import type { SourceSystem } from '@diptych/wal/server';
import type { Configuration } from './configuration.ts';
import { type AcceptedGap, encodeGap } from './parking/parked-record.ts';

/** Broker-side limit of a Kafka transaction: a dead relay's open one hides later records from readers for so long. */
const transactionTimeoutMs = 15_000;
const requestTimeoutMs = 10_000;
const checkpointReadTimeoutMs = 20_000;

export class Destination {
  readonly #configuration: Configuration;
  readonly #known = new Set<string>();

  constructor(configuration: Configuration) {
    this.#configuration = configuration;
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

  checkpointRecord(checkpoint: Checkpoint): OutgoingRecord {
    return checkpointRecord(checkpoint, { topic: this.#checkpointTopic, timestampMs: Date.now() });
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

  get #checkpointTopic(): string {
    return ownTopicNames(this.#configuration).checkpoint;
  }

  /**
   * Its transactional id is the same for every relay of this slot, and for no other. At least once there is none, and
   * what a relay with one has left open in our topics is waited for.
   */
  createPublisher({ systemId }: SourceSystem): Publisher {
    const { kafka, prefix, slot, delivery } = this.#configuration;
    const { checkpoint, parked } = ownTopicNames(this.#configuration);
    return createPublisher(kafka.driver, {
      brokers: kafka.brokers,
      clientId: `diptych ${slot}`,
      transactionalId: delivery === 'exactly-once' ? `diptych/${prefix}/${systemId}/${slot}` : null,
      settledTopics: [checkpoint, parked],
      transactionTimeoutMs,
      requestTimeoutMs,
    });
  }

  /** The topics that every relay has: checkpoint, transaction, parked; and heartbeat, when it emits some. */
  async ensureOwnTopics(): Promise<void> {
    const { kafka, prefix, slot, heartbeat } = this.#configuration;
    const specs = topicSpecs({ prefix, slot, eventTopics: [], heartbeat: heartbeat.intervalMs > 0 });
    await ensureTopics({ brokers: kafka.brokers, specs });
  }

  /** Topics of events appear with their first record, or with `init`. */
  async ensureTopics(records: readonly { readonly topic: string }[]): Promise<void> {
    const unknown = new Set<string>();
    for (const { topic } of records) if (!this.#known.has(topic)) unknown.add(topic);
    if (unknown.size === 0) return;
    const { brokers, partitions } = this.#configuration.kafka;
    const own = new Set(Object.values(ownTopicNames(this.#configuration)));
    const specs = [...unknown]
      .filter((name) => !own.has(name))
      .map((name) => ({ ...eventTopicSpec(name), partitions }));
    if (specs.length > 0) await ensureTopics({ brokers, specs });
    for (const topic of unknown) this.#known.add(topic);
  }
}
