/** The comparison of both panels from their beginning up to now. */
import { cartMapping } from '@diptych/compare/cart-mapping';
import { type Drift, DriftFinder, type Unproven } from '@diptych/compare/drift';
import type { Irregularity } from '@diptych/compare/irregularity';
import { Join } from '@diptych/compare/join';
import type { JoinedTransaction } from '@diptych/compare/joined-transaction';
import { type Leak, LeakFinder } from '@diptych/compare/leaks';
import { PanelReader, type PanelReaderOptions } from '@diptych/compare/panel-reader';
import type { Straggler } from '@diptych/compare/pending-transaction';
import { referenceTo, type TransactionReference } from '@diptych/compare/transaction-reference';

export interface ReportOptions extends PanelReaderOptions {
  /** `schema.table` each. Default: every table that at least once changed together with an event. */
  readonly audited?: readonly string[] | undefined;
  /** Given each transaction as it is joined, in commit order. */
  readonly onTransaction?: (transaction: JoinedTransaction) => void;
}

/** A transaction that lacks records, or has more than END counts. `expected` is null when its END is missing. */
export type Incomplete = TransactionReference & Pick<Straggler, 'expected' | 'got'>;

/** A record that exactly-once delivery does not allow. */
export type IrregularRecord = TransactionReference &
  Pick<Irregularity, 'what' | 'topic' | 'partition' | 'offset'> & {
    readonly ordinal: number;
    readonly part: number;
  };

export interface Report {
  /** The last transaction up to which everything is compared; null when there is none. */
  readonly horizon: TransactionReference | null;
  readonly transactions: number;
  readonly events: number;
  readonly changes: number;
  /** `schema.table`: the tables whose changes ought to carry an event. */
  readonly audited: readonly string[];
  readonly leaks: readonly Leak[];
  readonly driftedCarts: readonly Drift[];
  /** Carts about which nothing can be said. */
  readonly unproven: readonly Unproven[];
  readonly incomplete: readonly Incomplete[];
  /** Whole transactions behind the first incomplete one, which are not compared. */
  readonly heldBack: number;
  /** Transactions of so many records that not all were compared. */
  readonly tooLarge: readonly TransactionReference[];
  /** The first thousand. */
  readonly repeated: readonly IrregularRecord[];
  /** How many in all. */
  readonly repeatedCount: number;
}

/**
 * Reads both panels up to now, joins them and compares. Throws OperatingError: `kafka-unreachable`, `kafka-refused` (the
 * topics are not there), `record-unreadable`, `records-expired`, `comparison-exhausted`.
 */
export async function compareReport(options: ReportOptions): Promise<Report> {
  const join = new Join(options);
  const leaks = new LeakFinder(options.audited === undefined ? {} : { audited: options.audited });
  const drift = new DriftFinder(cartMapping);
  const tooLarge: TransactionReference[] = [];
  const counts = { transactions: 0, events: 0, changes: 0 };
  for await (const transaction of new PanelReader(join, options).readToNow()) {
    counts.transactions += 1;
    counts.events += transaction.domainEvents.length;
    counts.changes += transaction.changes.length;
    if (transaction.omitted > 0) tooLarge.push(referenceTo(transaction.identity));
    leaks.add(transaction);
    drift.add(transaction);
    options.onTransaction?.(transaction);
  }
  const { drifted, unproven } = drift.report();
  const { count, first } = join.irregularities;
  return {
    horizon: join.horizon === undefined ? null : referenceTo(join.horizon),
    ...counts,
    ...leaks.report(),
    driftedCarts: drifted,
    unproven,
    incomplete: join.stragglers.map(({ identity, ...rest }) => ({ ...referenceTo(identity), ...rest })),
    heldBack: join.heldBack,
    tooLarge,
    repeated: first.map(({ identity, ...record }) => {
      const { ordinal, part } = identity;
      return { ...referenceTo(identity), ...record, ordinal, part };
    }),
    repeatedCount: count,
  };
}
