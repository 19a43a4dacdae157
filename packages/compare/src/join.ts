/**
 * Joins both panels by transaction. Records come from any number of partitions, in any interleaving; only inside one
 * partition their order is given. Transactions come out in the order of END records, which is commit order, each when
 * END's counts are met: one that is not whole holds back all behind it, until it is or is given up.
 */
import { type Identity, transactionId } from '@diptych/kafka/identity';
import type { IncomingRecord } from '@diptych/kafka/record';
import { OperatingError } from '@diptych/runtime/failure';
import { formatLsnSortable } from '@diptych/wal/lsn';
import {
  compareCommits,
  compareIdentities,
  type JoinedTransaction,
  type TransactionIdentity,
} from './joined-transaction.ts';
import { identityOf, isSnapshotRecord, type PanelRecord, readPanelRecord } from './panel-record.ts';
import { classifyTopic, type PanelNames } from './panel-topic.ts';
import { PendingTransaction, type Straggler } from './pending-transaction.ts';

export interface JoinOptions extends PanelNames {
  /**
   * Records waiting for the rest of their transactions, all together. At about 2 KB each the default is 1 GB, reached
   * only when one partition is read far ahead of another.
   */
  readonly pendingRecordsMax?: number;
  /** Records kept of one transaction; those beyond are counted and `omitted`. */
  readonly recordsPerTransactionMax?: number;
}

/**
 * A record that exactly-once delivery does not allow.
 * `repeated` – its dedupe key was there before; `misplaced` – it stands behind a later one of its partition;
 * `surplus` – its transaction was whole, or given up, without it.
 */
export interface Irregularity {
  readonly what: 'repeated' | 'misplaced' | 'surplus';
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly identity: Identity;
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
  /** The identity of the last record of each partition. */
  readonly #positions = new Map<string, Identity>();
  readonly #irregularities: Irregularity[] = [];
  #pendingRecords = 0;
  #irregularityCount = 0;
  #horizon: TransactionIdentity | undefined;
  #lastEnd: TransactionIdentity | undefined;

  constructor(options: JoinOptions) {
    this.#names = options;
    this.#pendingRecordsMax = options.pendingRecordsMax ?? pendingRecordsMaxDefault;
    this.#recordsPerTransactionMax = options.recordsPerTransactionMax ?? recordsPerTransactionMaxDefault;
  }

  /**
   * Takes one record in; those of other topics and of snapshots (a baseline, no transaction) are left aside.
   * Throws OperatingError: `record-unreadable`, `comparison-exhausted`.
   */
  add(record: IncomingRecord): void {
    const topic = classifyTopic(record.topic, this.#names);
    if (topic.tag === 'other' || isSnapshotRecord(record)) return;
    const identity = identityOf(record);
    const read = readPanelRecord(record, { topic, identity });
    if (read.tag === 'begin') return;
    const what = this.#place(record, { identity, read });
    if (what === undefined) return;
    this.#irregularityCount += 1;
    if (this.#irregularities.length >= irregularitiesMax) return;
    const { partition, offset } = record;
    this.#irregularities.push({ what, topic: record.topic, partition, offset, identity });
  }

  /** The transactions that have become whole, in commit order. Each comes out once. */
  complete(): JoinedTransaction[] {
    const transactions: JoinedTransaction[] = [];
    for (const pending of this.#ended) {
      if (!pending.whole) break;
      this.#release(pending);
      transactions.push(pending.joined());
    }
    return transactions;
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

  #place(
    { topic, partition }: IncomingRecord,
    { identity, read }: { identity: Identity; read: PanelRecord },
  ): Irregularity['what'] | undefined {
    const where = `${topic} ${partition}`;
    const position = this.#positions.get(where);
    const behind = position !== undefined && compareIdentities(identity, position) <= 0;
    if (!behind) this.#positions.set(where, identity);
    if (this.#horizon !== undefined && compareCommits(identity, this.#horizon) <= 0) {
      if (behind) return 'repeated';
      // The other copies of a truncate may come after the one that was counted; tombstones are never counted.
      const expected = read.tag === 'tombstone' || (read.tag === 'change' && read.change.op === 't');
      return expected ? undefined : 'surplus';
    }
    const pending = this.#pendingOf(identity);
    // Beyond its bound a transaction cannot tell a repeat; within a partition the order can.
    if (behind && !pending.remembersAll) return 'repeated';
    const records = pending.records;
    if (!pending.add(read, { topic, partition, ...identity })) return 'repeated';
    this.#pendingRecords += pending.records - records;
    if (read.tag === 'end') {
      this.#ended.add(pending);
      this.#lastEnd = pending.identity;
    }
    if (this.#pendingRecords > this.#pendingRecordsMax) throw this.#exhausted();
    return behind ? 'misplaced' : undefined;
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
