import type { OutgoingRecord } from './record.ts';

/**
 * Where batches go: one Kafka transaction each. Two drivers stand behind it (`@platformatic/kafka`, `kafkajs`) and pass
 * the same contract tests. A publisher lives for one session: after any error its outcome is unknown and it is closed,
 * never reused (facts: all 22 EndTxn errors after a lost answer had in fact committed).
 */
export interface Publisher {
  /** InitProducerId: every older holder of the transactional id is dead from here on, its open transaction ended. */
  fence(): Promise<void>;
  /**
   * Publishes all records in one Kafka transaction, in order, one request in flight at a time, and commits it.
   * Topics must exist. Throws OperatingError: `publisher-fenced`, `record-too-large`, `kafka-refused`,
   * `publish-outcome-unknown`.
   */
  publish(records: readonly OutgoingRecord[]): Promise<void>;
  /** Ends the connections. An open transaction is left to the next fence. Never throws. */
  close(): Promise<void>;
}

export interface PublisherOptions {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly transactionalId: string;
  /** Broker-side limit of one Kafka transaction. */
  readonly transactionTimeoutMs: number;
  readonly requestTimeoutMs: number;
}
