/** A record on its way to Kafka, before a driver has it. */
export interface OutgoingRecord {
  readonly topic: string;
  /** Decides the partition as Java's default partitioner does (murmur2 of the bytes); null goes to partition 0. */
  readonly key: Buffer | null;
  /** null is a tombstone. */
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
  /** Record timestamp: the transaction's commit time in ms since 1970. */
  readonly timestampMs: number;
  /** `key` (default) or `every`: one copy to each partition of the topic, as a TRUNCATE needs. */
  readonly spread?: 'key' | 'every';
  /**
   * It says of records before it that they are there. Without transactions it is sent when they are acknowledged; in a
   * transaction nobody sees it without them.
   */
  readonly vouches?: boolean;
  /** Its partition, in place of the key's. */
  readonly partition?: number;
}

export type RecordHeader = readonly [name: string, value: string];

/** A record as it was read, from a topic and read committed. */
export interface IncomingRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: ReadonlyMap<string, string>;
  readonly timestampMs: number;
}
