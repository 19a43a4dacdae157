/**
 * The default driver, on the lower floors of `@platformatic/kafka`. The batches are encoded here, once: whatever is sent
 * again is the same bytes with the same sequence numbers, so that a broker tells a repeat from a new record
 * (docs/decisions/0031-own-record-batches.md).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { present } from '@diptych/runtime/assert';
import { errorCodes } from './classify.ts';
import { findErrorBy, GenericError, NetworkError } from './client-floors.ts';
import type { ClientDriver } from './client-publisher.ts';
import { within } from './deadline.ts';
import type { Send } from './packing.ts';
import type { PartitionBatch } from './produce-request.ts';
import { type ProducerIdentity, ProducerRequests } from './producer-requests.ts';
import type { PublisherOptions } from './publisher.ts';
import { nextSequence, RecordBatchEncoder } from './record-batch.ts';

/** Closing waits for answers that a dead broker never gives. */
const closeLimitMs = 2000;

/** What the producer knows of a partition. */
interface KnownPartition {
  /** The sequence number of its next record, while the identity is the same. */
  sequence: number;
  /** The transaction that it was added to last, by its number. */
  addedTo: number;
}

/** `@platformatic/kafka` as a driver. */
export class PlatformaticDriver implements ClientDriver {
  readonly sendRecordsMax = 10_000;
  readonly #requests: ProducerRequests;
  readonly #transactionalId: string | null;
  readonly #encoder = new RecordBatchEncoder();
  readonly #closing = new AbortController();
  #identity: ProducerIdentity | null = null;
  /** By topic and partition. */
  readonly #known = new Map<string, KnownPartition[]>();
  /** The number of the open transaction, or of the next one. */
  #transaction = 1;

  constructor(options: PublisherOptions) {
    this.#transactionalId = options.transactionalId;
    this.#requests = new ProducerRequests({ ...options, timeoutMs: options.transactionTimeoutMs });
  }

  async fence(): Promise<void> {
    this.#identity = await this.#persist(() => this.#requests.identify());
  }

  async send(places: Send): Promise<void> {
    const identity = present(this.#identity, 'a fenced producer');
    let batches: readonly PartitionBatch[] = this.#encode(places, identity);
    await this.#add(batches, identity);
    let isDoubtful = false;
    await this.#persist(async () => {
      const untaken = await this.#requests.produce(batches);
      isDoubtful ||= untaken.length > 0;
      batches = untaken.map(({ batch }) => batch);
      const failed = untaken.find(({ error }) => !mayBeTriedAgain(error)) ?? untaken[0];
      if (failed) throw failed.error;
    });
    // The socket of an attempt without an answer may still write from there.
    if (isDoubtful) this.#encoder.abandon();
    else this.#encoder.begin(); // what a long record took is not kept until the next
  }

  async commit(): Promise<void> {
    const transactionalId = this.#transactionalId;
    if (transactionalId === null) return;
    const identity = present(this.#identity, 'a fenced producer');
    await this.#persist(() => this.#requests.commit(identity, transactionalId));
    this.#transaction += 1;
  }

  async close(): Promise<void> {
    this.#closing.abort(new NetworkError('the publisher is closed'));
    await within(this.#requests.close(), { limitMs: closeLimitMs, what: 'closing' }).catch(() => undefined);
  }

  /** One batch for each partition, with the sequence numbers that follow. */
  #encode(places: Send, { id, epoch }: ProducerIdentity): PartitionBatch[] {
    this.#encoder.begin(places.reduce((sum, { bytes }) => sum + bytes, 0));
    for (const place of places) {
      const known = this.#partition(place.topic, place.partition);
      const baseSequence = known.sequence;
      known.sequence = nextSequence(baseSequence, place.to - place.from);
      this.#encoder.write(place, {
        producerId: id,
        producerEpoch: epoch,
        baseSequence,
        isTransactional: this.#transactionalId !== null,
      });
    }
    const encoded = this.#encoder.batches;
    return places.map(({ topic, partition }, index) => ({
      topic,
      partition,
      bytes: present(encoded[index], 'a batch for each partition'),
    }));
  }

  /** The partitions that are new in the open transaction; without transactions there is nothing to do. */
  async #add(batches: readonly PartitionBatch[], identity: ProducerIdentity): Promise<void> {
    const transactionalId = this.#transactionalId;
    if (transactionalId === null) return;
    const added = batches.filter(
      ({ topic, partition }) => this.#partition(topic, partition).addedTo !== this.#transaction,
    );
    if (added.length === 0) return;
    await this.#persist(this.#requests.addPartitions(identity, { transactionalId, batches: added }));
    for (const { topic, partition } of added) this.#partition(topic, partition).addedTo = this.#transaction;
  }

  #partition(topic: string, partition: number): KnownPartition {
    let partitions = this.#known.get(topic);
    if (partitions === undefined) {
      partitions = [];
      this.#known.set(topic, partitions);
    }
    partitions[partition] ??= { sequence: 0, addedTo: 0 };
    return partitions[partition];
  }

  /**
   * Attempts until one succeeds or fails for good. Bounded by time, not by count: the publisher gives up at its deadline,
   * and `close` ends the attempts.
   */
  async #persist<T>(attempt: () => Promise<T>): Promise<T> {
    const { signal } = this.#closing;
    for (let attempts = 1; ; attempts += 1) {
      signal.throwIfAborted();
      try {
        return await attempt();
      } catch (error) {
        if (!mayBeTriedAgain(error)) throw error;
        await sleep(retryDelayMs(attempts, error), undefined, { signal }).catch(() => undefined);
      }
    }
  }
}

/** The client says of its errors, and of those inside them, whether they pass; of others nobody knows. */
function mayBeTriedAgain(error: unknown): boolean {
  const isTheirs = error instanceof Error && GenericError.isGenericError(error);
  return isTheirs && findErrorBy(error, 'canRetry', false) === null;
}

/**
 * CONCURRENT_TRANSACTIONS right after a commit is normal: the coordinator still writes the markers, which takes about
 * a millisecond. Anything else backs off from 50 ms to 2 s.
 */
function retryDelayMs(attempt: number, error: unknown): number {
  if (errorCodes(error).has('CONCURRENT_TRANSACTIONS')) return Math.min(attempt, 50);
  return Math.min(50 * 2 ** Math.min(attempt, 6), 2000);
}
