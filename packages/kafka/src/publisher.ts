import type { Brokers } from '@diptych/runtime/kafka-access';
import type { OutgoingRecord } from './record.ts';

/**
 * Where batches go: one Kafka transaction each, or without transactions, at least once. Two drivers stand behind it (`@platformatic/kafka`, `kafkajs`) and pass
 * the same contract tests. A publisher lives for one session: after any error its outcome is unknown and it is closed,
 * never reused (facts: all 22 EndTxn errors after a lost answer had in fact committed).
 */
export interface Publisher {
  /**
   * InitProducerId: every older holder of the transactional id is dead from here on, its open transaction ended. Without
   * one nobody is fenced; it waits until no transaction is open in the `settled` topics. In both cases what is read of
   * them now is read to its end.
   */
  fence(): Promise<void>;
  /**
   * Publishes all records in order, `last` behind all others, one request in flight at a time: in one Kafka transaction, and commits it; or until
   * all are acknowledged by all in-sync replicas. What stands in a partition then has no gap before it.
   * Topics must exist. Throws OperatingError: `publisher-fenced`, `record-too-large`, `kafka-refused`,
   * `publish-outcome-unknown`, also after `close`: then nothing is sent.
   */
  publish(records: readonly OutgoingRecord[], last?: OutgoingRecord): Promise<void>;
  /** Ends the connections. An open transaction is left to the next fence. Never throws. */
  close(): Promise<void>;
}

export interface PublisherOptions {
  readonly brokers: Brokers;
  readonly clientId: string;
  /** Null publishes without transactions: nobody is fenced, and a batch whose outcome is unknown may be there in part. */
  readonly transactionalId: string | null;
  /** Without transactions: topics that are read after `fence`, so that no transaction of others may be open there. */
  readonly settledTopics?: readonly string[];
  /** Broker-side limit of one Kafka transaction. */
  readonly transactionTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** Into how many partitions the keys of a topic are placed; by default, and when undefined, into all that it has. */
  readonly partitionsOf?: (topic: string) => number | undefined;
}
