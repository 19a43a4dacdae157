/** Where the reading of one partition stands. */
export interface Cursor {
  readonly topic: string;
  /** A topic created anew under the same name has another id. */
  readonly topicId: string;
  readonly partition: number;
  /** Node id of the leader; -1 while there is none. */
  leader: number;
  /** Of the next record to fetch. */
  offset: bigint;
}

/** The next offset to read, by topic and partition; what is not named begins at its first record. */
export type OffsetsByTopic = ReadonlyMap<string, readonly bigint[]>;

export function cursorKey({ topicId, partition }: Pick<Cursor, 'topicId' | 'partition'>): string {
  return `${topicId}/${partition}`;
}

/** A cursor for each partition of a topic. */
export function cursorsOf(
  topic: { readonly name: string; readonly id: string; readonly leaders: readonly number[] },
  startOf: (partition: number) => bigint,
): Cursor[] {
  return topic.leaders.map((leader, partition) => ({
    topic: topic.name,
    topicId: topic.id,
    partition,
    leader,
    offset: startOf(partition),
  }));
}

/** Pause before the n-th new attempt: 50 ms doubled up to 2 s. */
export function backOffMs(attempt: number): number {
  return Math.min(25 * 2 ** Math.min(attempt, 7), 2000);
}
