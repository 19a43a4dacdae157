/**
 * Joins both panels by transaction. Records come from any number of partitions, in any interleaving; only inside one
 * partition their order is given. Transactions come out in the order of END records, which is commit order, each when
 * END's counts are met: one that is not whole holds back all behind it, until it is or is given up.
 */
import { type Identity, transactionId } from '@diptych/kafka/identity';
import type { IncomingRecord } from '@diptych/kafka/record';
import { OperatingError } from '@diptych/runtime/failure';
import { formatLsnSortable } from '@diptych/wal/lsn';
import type { Irregularity } from './irregularity.ts';
import {
  compareCommits,
  compareIdentities,
  type JoinedItem,
  type JoinedTransaction,
  type TransactionIdentity,
} from './joined-transaction.ts';
import {
  identityOf,
  isReleasedRecord,
  isSnapshotRecord,
  type PanelRecord,
  readBaselineRow,
  readPanelRecord,
} from './panel-record.ts';
import { classifyTopic, type PanelNames } from './panel-topic.ts';
import { PartitionProgress, placeOf, type ResumePoint } from './partition-progress.ts';
import { PendingTransaction, type Straggler } from './pending-transaction.ts';

export interface JoinOptions extends PanelNames {
  /**
   * Records waiting for the rest of their transactions, all together. At about 2 KB each the default is 1 GB, reached
   * only when one partition is read far ahead of another.
   */
  readonly pendingRecordsMax?: number;
  /** Records kept of one transaction; those beyond are counted and `omitted`. */
  readonly recordsPerTransactionMax?: number;
  /** Whether rows that snapshots read come out too, by `drain`. Default: they are left aside, unread. */
  readonly baseline?: boolean;
  /** What an earlier join had taken in, and where it stopped: `resumePoints` and `horizon` of then. */
  readonly resume?:
    | { readonly horizon: TransactionIdentity | undefined; readonly points: readonly ResumePoint[] }
    | undefined;
}

const pendingRecordsMaxDefault = 500_000;
const recordsPerTransactionMaxDefault = 100_000;

/** Enough to see a pattern in; all are counted. */
const irregularitiesMax = 1000;

export class Join {
  readonly #names: PanelNames;
  readonly #pendingRecordsMax: number;
  readonly #recordsPerTransactionMax: number;
  readonly #pending = new Map<string, PendingTransaction>();
  /** Those whose END has come, in END order. */
  readonly #ended = new Set<PendingTransaction>();
  readonly #partitions: PartitionProgress;
  readonly #baseline: boolean;
  /** What has come out and was not fetched yet. */
  #ready: JoinedItem[] = [];
  readonly #irregularities: Irregularity[] = [];
  #pendingRecords = 0;
  #irregularityCount = 0;
  #horizon: TransactionIdentity | undefined;
  #lastEnd: TransactionIdentity | undefined;

  constructor(options: JoinOptions) {
    this.#names = options;
    this.#pendingRecordsMax = options.pendingRecordsMax ?? pendingRecordsMaxDefault;
    this.#recordsPerTransactionMax = options.recordsPerTransactionMax ?? recordsPerTransactionMaxDefault;
    this.#baseline = options.baseline ?? false;
    this.#partitions = new PartitionProgress(options.resume?.points);
    this.#horizon = options.resume?.horizon;
  }

  /**
   * Takes one record in; those of other topics are left aside. Throws OperatingError: `record-unreadable`,
   * `comparison-exhausted`.
   */
  add(record: IncomingRecord): void {
    const topic = classifyTopic(record.topic, this.#names);
    if (topic.tag === 'other') return;
    const where = placeOf(record);
    const progress = this.#partitions.of(where, record);
    const { partition, offset } = record;
    const before = { topic: record.topic, partition, offset, last: progress.last };
    progress.offset = offset + 1n;
    if (isSnapshotRecord(record)) {
      const isRow = this.#baseline && topic.tag === 'change' && record.value !== null;
      if (isRow) this.#behind(progress.pending, { tag: 'baseline', row: readBaselineRow(record) });
      return;
    }
    const identity = identityOf(record);
    const read = readPanelRecord(record, { topic, identity });
    if (read.tag === 'begin') return;
    if (isReleasedRecord(record)) {
      if (read.tag === 'event' || read.tag === 'change')
        this.#behind(progress.pending, { tag: 'released', identity, late: read });
      return;
    }
    const isBehind = progress.last !== null && compareIdentities(identity, progress.last) <= 0;
    if (!isBehind) progress.last = identity;
    const { what, pending } = this.#place(record, { identity, read, isBehind });
    if (pending !== undefined) {
      pending.beginsAt(where, before);
      progress.pending = pending;
    }
    if (what !== undefined)
      this.#note(progress.pending, { what, topic: record.topic, partition, offset, identity });
  }

  /** The transactions that have become whole, in commit order. Each comes out once. */
  complete(): JoinedTransaction[] {
    return this.drain().flatMap((item) => (item.tag === 'transaction' ? [item.transaction] : []));
  }

  /** Everything that has come out since the last call: transactions, and what is part of none. */
  drain(): JoinedItem[] {
    for (const pending of this.#ended) {
      if (!pending.whole) break;
      this.#ready.push({ tag: 'transaction', transaction: pending.joined() });
      this.#release(pending);
    }
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  /** Where to read on, after everything that has come out: each partition's first record that has not. */
  get resumePoints(): ResumePoint[] {
    return this.#partitions.resumePoints(this.#pending.values());
  }

  /** The last transaction that came out or was given up: up to it everything is known. */
  get horizon(): TransactionIdentity | undefined {
    return this.#horizon;
  }

  /** The transaction that holds back all behind it, if there is one. */
  get blocking(): Straggler | undefined {
    const [first] = this.#ended;
    return first === undefined || first.whole ? undefined : first.straggler();
  }

  /** Goes on without the transaction that holds back the others, and says which it was. */
  giveUp(): Straggler | undefined {
    const [first] = this.#ended;
    if (first === undefined || first.whole) return undefined;
    this.#release(first);
    return first.straggler();
  }

  /** All that are not whole, up to the last END that was seen, in commit order. */
  get stragglers(): Straggler[] {
    const end = this.#lastEnd;
    if (end === undefined) return [];
    return [...this.#pending.values()]
      .filter((pending) => !pending.whole && compareCommits(pending.identity, end) <= 0)
      .map((pending) => pending.straggler())
      .sort((left, right) => compareCommits(left.identity, right.identity));
  }

  /** How many are whole and wait for one before them. */
  get heldBack(): number {
    return [...this.#ended].filter((pending) => pending.whole).length;
  }

  /** What exactly-once delivery does not allow: the first thousand, and how many in all. */
  get irregularities(): { readonly count: number; readonly first: readonly Irregularity[] } {
    return { count: this.#irregularityCount, first: this.#irregularities };
  }

  /** An item that is part of no transaction comes out behind what stands before it in its partition. */
  #behind(pending: PendingTransaction | undefined, item: JoinedItem): void {
    if (pending === undefined || this.#pending.get(keyOf(pending.identity)) !== pending) {
      this.#ready.push(item);
      return;
    }
    pending.follow(item);
    this.#count(1);
  }

  #note(pending: PendingTransaction | undefined, irregularity: Irregularity): void {
    this.#irregularityCount += 1;
    if (this.#irregularities.length < irregularitiesMax) this.#irregularities.push(irregularity);
    this.#behind(pending, { tag: 'irregular', irregularity });
  }

  #place(
    { topic, partition }: IncomingRecord,
    { identity, read, isBehind }: { identity: Identity; read: PanelRecord; isBehind: boolean },
  ): { what: Irregularity['what'] | undefined; pending?: PendingTransaction } {
    if (this.#horizon !== undefined && compareCommits(identity, this.#horizon) <= 0) {
      if (isBehind) return { what: 'repeated' };
      // The other copies of a truncate may come after the one that was counted; tombstones are never counted.
      const expected = read.tag === 'tombstone' || (read.tag === 'change' && read.change.op === 't');
      return { what: expected ? undefined : 'surplus' };
    }
    const pending = this.#pendingOf(identity);
    // Beyond its bound a transaction cannot tell a repeat; within a partition the order can.
    if (isBehind && !pending.remembersAll) return { what: 'repeated' };
    const records = pending.records;
    if (!pending.add(read, { topic, partition, ...identity })) return { what: 'repeated' };
    if (read.tag === 'end') {
      this.#ended.add(pending);
      this.#lastEnd = pending.identity;
    }
    this.#count(pending.records - records);
    return { what: isBehind ? 'misplaced' : undefined, pending };
  }

  #count(more: number): void {
    this.#pendingRecords += more;
    if (this.#pendingRecords > this.#pendingRecordsMax) throw this.#exhausted();
  }

  #pendingOf(identity: Identity): PendingTransaction {
    const key = keyOf(identity);
    const known = this.#pending.get(key);
    if (known !== undefined) return known;
    const pending = new PendingTransaction(identity, this.#recordsPerTransactionMax);
    this.#pending.set(key, pending);
    return pending;
  }

  #release(pending: PendingTransaction): void {
    this.#ended.delete(pending);
    this.#pending.delete(keyOf(pending.identity));
    this.#pendingRecords -= pending.records;
    this.#horizon = pending.identity;
    for (const item of pending.behind) this.#ready.push(item);
  }

  #exhausted(): OperatingError {
    const [oldest] = [...this.#pending.values()].toSorted((left, right) =>
      compareCommits(left.identity, right.identity),
    );
    const which = oldest === undefined ? '' : `; the first waiting is ${transactionId(oldest.identity)}`;
    return new OperatingError(
      'comparison-exhausted',
      `more than ${this.#pendingRecordsMax} records wait for the rest of their transactions${which}`,
      { remedy: `See that all topics of the panels, ${this.#names.prefix}.transaction first, can be read.` },
    );
  }
}

const keyOf = ({ timeline, commitLsn }: TransactionIdentity): string =>
  `${timeline}-${formatLsnSortable(commitLsn)}`;
