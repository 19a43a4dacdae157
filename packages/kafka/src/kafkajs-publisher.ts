import kafkajs, { type Message, type Producer, type TopicMessages, type Transaction } from 'kafkajs';
import type { ClientDriver } from './client-publisher.ts';
import { within } from './deadline.ts';
import { createKafka } from './kafkajs-client.ts';
import type { Place, Send } from './packing.ts';
import type { PublisherOptions } from './publisher.ts';

/** Closing waits for answers that a dead broker never gives. */
const closeLimitMs = 2000;

/** kafkajs as a driver. */
export class KafkajsDriver implements ClientDriver {
  /** kafkajs copies a partition's list for each record that it adds: the cost grows with the square. */
  readonly sendRecordsMax = 1000;
  readonly #producer: Producer;
  readonly #isTransactional: boolean;
  #transaction: Transaction | null = null;
  #working: Promise<unknown> = Promise.resolve();

  constructor(options: PublisherOptions) {
    const { transactionalId, transactionTimeoutMs } = options;
    this.#isTransactional = transactionalId !== null;
    this.#producer = createKafka(options).producer({
      // Idempotent without transactions: a request that is sent again after a lost answer is then no repeat.
      ...(transactionalId === null
        ? { idempotent: true }
        : { transactionalId, transactionTimeout: transactionTimeoutMs }),
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      // Counted, because kafkajs knows no bound in time; the publisher gives up at its deadline anyway.
      retry: { initialRetryTime: 20, maxRetryTime: 1000, retries: 8 },
    });
  }

  async fence(): Promise<void> {
    // InitProducerId is part of the first transaction(), or of connect() when there are none.
    this.#transaction = await this.#track(async () => {
      await this.#producer.connect();
      return this.#isTransactional ? await this.#producer.transaction() : null;
    });
  }

  /**
   * Each partition by itself. What kafkajs sends to several brokers at once is not safe: when one of them fails, it sends
   * again also what another still works on, with new sequence numbers, so that nothing tells the repeat from a new record;
   * and what moved to a leader that has answered already is not sent at all. (2.2.4, src/producer/sendMessages.js)
   */
  async send(places: Send): Promise<void> {
    await this.#track(async () => {
      if (this.#isTransactional) this.#transaction ??= await this.#producer.transaction();
      const sender = this.#transaction ?? this.#producer;
      for (const place of places) {
        await sender.sendBatch({ acks: -1, topicMessages: [messagesOf(place)] });
      }
    });
  }

  async commit(): Promise<void> {
    const transaction = this.#transaction;
    this.#transaction = null;
    await this.#track(async () => transaction?.commit());
  }

  async close(): Promise<void> {
    const disconnect = () => this.#producer.disconnect().catch(() => undefined);
    await within(disconnect(), { limitMs: closeLimitMs, what: 'closing' }).catch(() => undefined);
    // What is in flight retries on, and connects again for it: end that as well, once it has come to its end.
    void this.#working.then(disconnect, disconnect);
  }

  #track<T>(work: () => Promise<T>): Promise<T> {
    const working = work();
    this.#working = working;
    return working;
  }
}

function messagesOf({ topic, partition, list, from, to }: Place): TopicMessages {
  const messages = list.slice(from, to).map((record): Message => {
    return {
      partition,
      key: record.key,
      value: record.value,
      headers: Object.fromEntries(record.headers),
      timestamp: record.timestampMs.toString(),
    };
  });
  return { topic, messages };
}
