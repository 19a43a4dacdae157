/**
 * What snapshots have read, as one session knows it: what is offered, what is in Kafka, and whatever waits for a place
 * between two transactions of the stream.
 */
import type { DeliveryMode } from '@diptych/delivery/protocol';
import type { SnapshotLog } from '@diptych/kafka/snapshot-log';
import { present } from '@diptych/runtime/assert';
import type { PublishedRecord } from '../panels.ts';

/** The session, as far as snapshots need it. */
export interface Delivery {
  /** Whether records may be offered now: no transaction is open, none is published in part. */
  accepts(): boolean;
  /** Whether more may be offered than what is on its way. */
  hasRoom(): boolean;
  /** Whether the stream is held back, because the queue is full. */
  isHeldBack(): boolean;
  offer(records: readonly PublishedRecord[], bytes: number): void;
  /** A checkpoint is to say how far snapshots are, also without records. */
  stateSoon(): void;
  fail(error: unknown): void;
  /** There is nothing left to do: what is offered is published, then the session ends. */
  finish(): void;
}

/** What is to be read from now on, and the word on it. */
export interface Decision {
  readonly log: SnapshotLog;
  readonly word: PublishedRecord;
}

interface Waiting {
  readonly isReady: () => boolean;
  readonly run: () => void;
  /** Nothing that came later runs before it. */
  readonly goesFirst: boolean;
}

/** Something that a checkpoint in Kafka has to say. */
interface Awaited {
  readonly isSaid: (published: readonly PublishedRecord[]) => boolean;
  readonly resolve: () => void;
}

export class Ledger {
  readonly #mode: DeliveryMode;
  #log: SnapshotLog;
  /** Of the last records that were offered. */
  #offered: SnapshotLog;
  #inKafka: SnapshotLog;
  /** At least once: how often `log` was changed without records, and how much of that the checkpoint on its way says. */
  #changes = 0;
  #stating = 0;
  #delivery: Delivery | null = null;
  #waiting: Waiting[] = [];
  #awaited: Awaited[] = [];
  #isClosed = false;

  constructor(log: SnapshotLog, mode: DeliveryMode) {
    this.#mode = mode;
    this.#log = log;
    this.#offered = log;
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
   * session ends is never run. `goesFirst`: what came later waits behind it.
   */
  between<T>(
    work: () => T | Promise<T>,
    isReady: () => boolean = () => true,
    { goesFirst = false }: { goesFirst?: boolean } = {},
  ): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const run = () => {
      try {
        resolve(work());
      } catch (error) {
        reject(error);
      }
    };
    this.#waiting.push({ isReady, run, goesFirst });
    this.atBoundary();
    return promise;
  }

  /** To be called between two transactions, as often as there is one. */
  atBoundary(): void {
    if (this.#isClosed || this.#waiting.length === 0 || !this.#delivery?.accepts()) return;
    const waiting = this.#waiting;
    // Asked behind each transaction, while what waits is ready once in a long time.
    if (!waiting.some(({ isReady }) => isReady())) return;
    this.#waiting = [];
    const left: Waiting[] = [];
    for (const one of waiting) {
      const mayRun = !left.some(({ goesFirst }) => goesFirst) && this.#delivery?.accepts();
      if (mayRun && one.isReady()) one.run();
      else left.push(one);
    }
    this.#waiting = [...left, ...this.#waiting];
  }

  /** Inside `between`: the records, and how far snapshots are with them. Without records the next ones say it. */
  offer(records: readonly PublishedRecord[], log: SnapshotLog): void {
    this.#log = log;
    const last = records.at(-1);
    if (!last) return;
    this.#offered = log;
    const marked = [...records.slice(0, -1), { ...last, snapshotLog: log }];
    this.delivery.offer(
      marked,
      marked.reduce((sum, { bytes }) => sum + bytes, 0),
    );
  }

  /**
   * Decides between two transactions what is to be read from now on, and says it. Resolves when both are kept, whatever ends
   * the session then. Exactly once one Kafka transaction binds them. At least once nothing does: what was decided is in a
   * checkpoint before it is said, and that a word may be missing too (`unsaid`), so that nobody decides it a second time.
   */
  async enact(decide: () => Decision): Promise<void> {
    if (this.#mode === 'exactly-once') {
      return await this.between(() => {
        const { log, word } = decide();
        this.offer([word], log);
        return this.#until((records) => records.some(({ snapshotLog }) => snapshotLog === log));
      });
    }
    // What is on its way says how far snapshots were without it, and would be stated after it.
    const isSettled = () => this.#offered === this.#inKafka;
    const change = (): Promise<PublishedRecord> => {
      const { log, word } = decide();
      this.#change({ ...log, unsaid: String(word.value) });
      const number = this.#changes;
      return this.#until(() => this.#stating >= number).then(() => word);
    };
    await this.say(await this.between(change, isSettled, { goesFirst: true }));
  }

  /** The word on what was decided and is kept. */
  async say(word: PublishedRecord): Promise<void> {
    await this.between(() => this.offer([word], { ...this.#log, unsaid: null }));
  }

  /** How far snapshots are, for a checkpoint that covers these records; at least once, for one that covers those before. */
  stating(records: readonly PublishedRecord[]): SnapshotLog {
    this.#stating = this.#changes;
    return this.#mode === 'exactly-once' ? this.#after(records) : this.#inKafka;
  }

  get inKafka(): SnapshotLog {
    return this.#inKafka;
  }

  /** They are in Kafka, with the checkpoint that was stated last. */
  published(records: readonly PublishedRecord[]): void {
    this.#inKafka = this.#after(records);
    const awaited = this.#awaited;
    this.#awaited = awaited.filter(({ isSaid }) => !isSaid(records));
    for (const one of awaited) if (!this.#awaited.includes(one)) one.resolve();
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
  }

  #change(log: SnapshotLog): void {
    this.#log = log;
    this.#offered = log;
    this.#inKafka = log;
    this.#changes += 1;
    this.delivery.stateSoon();
  }

  #after(records: readonly PublishedRecord[]): SnapshotLog {
    // All that was offered is in Kafka: none of these says anything new, and there are thousands of them.
    if (this.#offered === this.#inKafka) return this.#inKafka;
    return records.findLast(({ snapshotLog }) => snapshotLog !== undefined)?.snapshotLog ?? this.#inKafka;
  }

  #until(isSaid: Awaited['isSaid']): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#awaited.push({ isSaid, resolve });
    return promise;
  }
}
