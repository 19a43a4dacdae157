import { Producer, type Serializers } from '@platformatic/kafka';
import { errorCodes } from './classify.ts';
import type { ClientDriver } from './client-publisher.ts';
import { within } from './deadline.ts';
import type { PlacedRecord } from './packing.ts';
import type { PublisherOptions } from './publisher.ts';

type Bytes = Buffer | null;
type BytesProducer = Producer<Bytes, Bytes, string, string>;
type Transaction = NonNullable<BytesProducer['transaction']>;

/** Bytes pass as they are; null stays null, which the client writes as a null key or a tombstone. */
const serializers: Serializers<Bytes, Bytes, string, string> = {
  key: (key) => key ?? undefined,
  value: (value) => value ?? undefined,
  headerKey: (name) => (name === undefined ? undefined : Buffer.from(name)),
  headerValue: (value) => (value === undefined ? undefined : Buffer.from(value)),
};

/** "No producer yet": by itself the client says 0, 0, and every second start is refused as PRODUCER_FENCED. */
const noProducer = { producerId: -1n, producerEpoch: -1 };

/** Closing waits for answers that a dead broker never gives. */
const closeLimitMs = 2000;

/** `@platformatic/kafka` as a driver. */
export class PlatformaticDriver implements ClientDriver {
  readonly sendRecordsMax = 10_000;
  readonly #producer: BytesProducer;
  readonly #isTransactional: boolean;
  readonly #misled = Promise.withResolvers<never>();
  #transaction: Transaction | null = null;

  constructor(options: PublisherOptions) {
    const { transactionalId } = options;
    this.#isTransactional = transactionalId !== null;
    this.#producer = new Producer({
      clientId: options.clientId,
      bootstrapBrokers: [...options.brokers],
      serializers,
      // Without transactions too: a request that is sent again after a lost answer is then no repeat.
      idempotent: true,
      ...(transactionalId === null ? {} : { transactionalId }),
      // The client's `timeout` is also what it gives the broker as the transaction's.
      timeout: options.transactionTimeoutMs,
      requestTimeout: options.requestTimeoutMs,
      connectTimeout: 3000,
      // Bounded by time, not by count: the publisher gives up at its deadline, and close() ends the retries.
      retries: Number.MAX_SAFE_INTEGER,
      retryDelay: (_client, operation, attempt, _retries, error) => {
        if (operation === 'produce' && isMisled(error)) this.#misled.reject(error);
        return retryDelayMs(attempt, error);
      },
      autocreateTopics: false,
    });
    this.#misled.promise.catch(() => undefined); // raced by whoever sends
  }

  async fence(): Promise<void> {
    if (this.#isTransactional) this.#transaction = await this.#begin();
    else await this.#producer.initIdempotentProducer({ ...noProducer });
  }

  /**
   * The client groups by leader once. When the partitions of a dead broker got different leaders, it goes on sending all of
   * them to one, which refuses, until the transaction's time is over: then this fails at once, and the next session groups
   * anew. (2.12.1, dist/clients/producer/producer.js, #performSingleDestinationSend)
   */
  async send(records: readonly PlacedRecord[]): Promise<void> {
    if (this.#isTransactional) this.#transaction ??= await this.#begin();
    const sender = this.#transaction ?? this.#producer;
    const sent = sender.send({ messages: records.map(messageOf), acks: -1 });
    await Promise.race([sent, this.#misled.promise]);
  }

  async commit(): Promise<void> {
    const transaction = this.#transaction;
    this.#transaction = null;
    await transaction?.commit();
  }

  async close(): Promise<void> {
    await within(this.#producer.close(true), { limitMs: closeLimitMs, what: 'closing' }).catch(
      () => undefined,
    );
  }

  /**
   * The first one is InitProducerId.
   */
  #begin(): Promise<Transaction> {
    return this.#producer.beginTransaction({ ...noProducer });
  }
}

/** Refused as not the leader, after the client has asked for the leaders once more by itself. */
const isMisled = (error: Error): boolean => errorCodes(error).has('NOT_LEADER_OR_FOLLOWER');

/**
 * CONCURRENT_TRANSACTIONS right after a commit is normal: the coordinator still writes the markers, which takes about
 * a millisecond. Anything else backs off from 50 ms to 2 s.
 */
function retryDelayMs(attempt: number, error: Error): number {
  if (errorCodes(error).has('CONCURRENT_TRANSACTIONS')) return Math.min(attempt, 50);
  return Math.min(50 * 2 ** Math.min(attempt, 6), 2000);
}

function messageOf({ record, partition }: PlacedRecord) {
  return {
    topic: record.topic,
    partition,
    key: record.key,
    value: record.value,
    headers: new Map(record.headers),
    timestamp: BigInt(record.timestampMs),
  };
}
