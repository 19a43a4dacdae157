/**
 * The default driver, on the lower floors of `@platformatic/kafka`. The batches are our own: whatever is sent
 * again is the same bytes with the same sequence numbers, so that a broker tells a repeat from a new record
 * (docs/decisions/0031-own-record-batches.md).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { present } from '@diptych/runtime/assert';
import { errorCodes } from './classify.ts';
import { findErrorBy, GenericError, NetworkError } from './client-floors.ts';
import type { ClientDriver } from './client-publisher.ts';
import { within } from './deadline.ts';
import type { Place, Send } from './packing.ts';
import { type ProducerIdentity, ProducerRequests } from './producer-requests.ts';
import type { PublisherOptions } from './publisher.ts';
import { nextSequence } from './record-batch.ts';

/** Closing waits for answers that a dead broker never gives. */
const closeLimitMs = 2000;

/** What the producer knows of a partition. */
interface KnownPartition {
  /** The sequence number of its next record, while the identity is the same; and of the first one that was numbered last. */
  sequence: number;
  base: number;
  /** The transaction that it was added to last, by its number. */
  addedTo: number;
}

/** `@platformatic/kafka` as a driver. */
export class PlatformaticDriver implements ClientDriver {
  readonly sendRecordsMax = 10_000;
  readonly #requests: ProducerRequests;
  readonly #transactionalId: string | null;
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
    this.#number(places);
    await this.#add(places, identity);
    const sequenceOf = ({ topic, partition }: Place) => this.#partition(topic, partition).base;
    let left = places;
    await this.#persist(async () => {
      const untaken = await this.#requests.produce({ places: left, producer: identity, sequenceOf });
      left = untaken.map(({ place }) => place);
      const failed = untaken.find(({ error }) => !mayBeTriedAgain(error)) ?? untaken[0];
      if (failed) throw failed.error;
    });
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
  #number(places: Send): void {
    for (const { topic, partition, from, to } of places) {
      const known = this.#partition(topic, partition);
      known.base = known.sequence;
      known.sequence = nextSequence(known.base, to - from);
    }
  }

  /** The partitions that are new in the open transaction; without transactions there is nothing to do. */
  async #add(places: Send, identity: ProducerIdentity): Promise<void> {
    const transactionalId = this.#transactionalId;
    if (transactionalId === null) return;
    const added = places.filter(
      ({ topic, partition }) => this.#partition(topic, partition).addedTo !== this.#transaction,
    );
    if (added.length === 0) return;
    await this.#persist(this.#requests.addPartitions(identity, { transactionalId, partitions: added }));
    for (const { topic, partition } of added) this.#partition(topic, partition).addedTo = this.#transaction;
  }

  #partition(topic: string, partition: number): KnownPartition {
    let partitions = this.#known.get(topic);
    if (partitions === undefined) {
      partitions = [];
      this.#known.set(topic, partitions);
    }
    partitions[partition] ??= { sequence: 0, base: 0, addedTo: 0 };
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
