/**
 * What snapshots have read, as one session knows it: what is offered, what is in Kafka, and whatever waits for a place
 * between two transactions of the stream.
 */
import type { SnapshotLog } from '@diptych/kafka/snapshot-log';
import { present } from '@diptych/runtime/assert';
import type { PublishedRecord } from '../panels.ts';

/** The session, as far as snapshots need it. */
export interface Delivery {
  /** Whether records may be offered now: no transaction is open, none is published in part. */
  accepts(): boolean;
  /** Whether more may be offered than what is on its way. */
  hasRoom(): boolean;
  offer(records: readonly PublishedRecord[], bytes: number): void;
  fail(error: unknown): void;
  /** There is nothing left to do: what is offered is published, then the session ends. */
  finish(): void;
}

interface Waiting {
  readonly isReady: () => boolean;
  readonly run: () => void;
}

export class Ledger {
  #log: SnapshotLog;
  #inKafka: SnapshotLog;
  #delivery: Delivery | null = null;
  #waiting: Waiting[] = [];
  #isClosed = false;

  constructor(log: SnapshotLog) {
    this.#log = log;
    this.#inKafka = log;
  }

  /** With everything that was offered. */
  get log(): SnapshotLog {
    return this.#log;
  }

  get delivery(): Delivery {
    return present(this.#delivery, 'the session of a ledger that was started');
  }

  start(delivery: Delivery): void {
    this.#delivery = delivery;
  }

  /**
   * Runs `work` between two transactions, when it is ready: at once, or when `atBoundary` finds it so. What waits when the
   * session ends is never run.
   */
  between<T>(work: () => T, isReady: () => boolean = () => true): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const run = () => {
      try {
        resolve(work());
      } catch (error) {
        reject(error);
      }
    };
    this.#waiting.push({ isReady, run });
    this.atBoundary();
    return promise;
  }

  /** To be called between two transactions, as often as there is one. */
  atBoundary(): void {
    if (this.#isClosed || this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    const left: Waiting[] = [];
    for (const one of waiting) {
      if (this.#delivery?.accepts() && one.isReady()) one.run();
      else left.push(one);
    }
    this.#waiting = [...left, ...this.#waiting];
  }

  /** Inside `between`: the records, and how far snapshots are with them. Without records the next ones say it. */
  offer(records: readonly PublishedRecord[], log: SnapshotLog): void {
    this.#log = log;
    const last = records.at(-1);
    if (!last) return;
    const marked = [...records.slice(0, -1), { ...last, snapshotLog: log }];
    this.delivery.offer(
      marked,
      marked.reduce((sum, { bytes }) => sum + bytes, 0),
    );
  }

  /** How far snapshots are with these records and all before them. */
  after(records: readonly PublishedRecord[]): SnapshotLog {
    return records.findLast(({ snapshotLog }) => snapshotLog !== undefined)?.snapshotLog ?? this.#inKafka;
  }

  get inKafka(): SnapshotLog {
    return this.#inKafka;
  }

  published(log: SnapshotLog): void {
    this.#inKafka = log;
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
  }
}
