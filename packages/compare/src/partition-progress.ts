/** How far each partition was read, so that a reader that dies can go on where what it had taken in ends. */
import type { Identity } from '@diptych/kafka/identity';
import type { IncomingRecord } from '@diptych/kafka/record';
import type { PendingTransaction } from './pending-transaction.ts';

/** Where to read on in a partition, and what stood before that. */
export interface ResumePoint {
  readonly topic: string;
  readonly partition: number;
  /** Of the next record. */
  readonly offset: bigint;
  /** The identity of the last record before it; null when there was none. */
  readonly last: Identity | null;
}

interface Progress {
  readonly topic: string;
  readonly partition: number;
  offset: bigint;
  last: Identity | null;
  /** The last transaction with a record in it that is not out yet. */
  pending: PendingTransaction | undefined;
}

/** A partition's name as a key: `<topic> <partition>`. */
export function placeOf({ topic, partition }: Pick<IncomingRecord, 'topic' | 'partition'>): string {
  return `${topic} ${partition}`;
}

export class PartitionProgress {
  readonly #partitions = new Map<string, Progress>();

  constructor(points: Iterable<ResumePoint> = []) {
    for (const point of points) this.#partitions.set(placeOf(point), { ...point, pending: undefined });
  }

  /** The partition of a record that is read now. What it answers is as it was before the record; `passed` moves it. */
  of(where: string, { topic, partition, offset }: IncomingRecord): Progress {
    const known = this.#partitions.get(where);
    if (known !== undefined) return known;
    const progress: Progress = { topic, partition, offset, last: null, pending: undefined };
    this.#partitions.set(where, progress);
    return progress;
  }

  /** Where reading has to begin again so that nothing of what is pending is missing, and nothing that is out comes again. */
  resumePoints(pending: Iterable<PendingTransaction>): ResumePoint[] {
    const points = new Map<string, ResumePoint>();
    for (const [where, { topic, partition, offset, last }] of this.#partitions) {
      points.set(where, { topic, partition, offset, last });
    }
    for (const { begins } of pending) {
      for (const [where, begin] of begins) {
        const point = points.get(where);
        if (point === undefined || begin.offset < point.offset) points.set(where, begin);
      }
    }
    return [...points.values()];
  }
}
