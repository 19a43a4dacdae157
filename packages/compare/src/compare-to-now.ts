/** The comparison of both panels from their beginning up to now, or up to a moment. */
import type { Lsn } from '@diptych/wal/lsn';
import { type Answer, Comparison, type ComparisonOptions } from './comparison.ts';
import { Join } from './join.ts';
import type { JoinedItem } from './joined-transaction.ts';
import { PanelReader, type PanelReaderOptions } from './panel-reader.ts';
import type { Straggler } from './pending-transaction.ts';
import { referenceTo, type TransactionReference } from './transaction-reference.ts';

export interface CompareToNowOptions extends PanelReaderOptions, ComparisonOptions {
  /** Transactions that committed later, in µs since 1970, are left aside. */
  readonly untilUs?: bigint | undefined;
  /** Transactions from this position on are left aside. */
  readonly beforeLsn?: Lsn | undefined;
}

/** A transaction that lacks records, or has more than END counts. `expected` is null when its END is missing. */
export type Incomplete = TransactionReference & Pick<Straggler, 'expected' | 'got'>;

export interface ComparedToNow {
  readonly comparison: Comparison;
  /** Those that are not whole: the first of them is where the comparison ends. */
  readonly incomplete: readonly Incomplete[];
  /** Whole transactions behind it, which are not compared. */
  readonly heldBack: number;
}

/**
 * Reads both panels up to now, joins them and compares. Throws OperatingError: `kafka-unreachable`, `kafka-refused` (the
 * topics are not there), `record-unreadable`, `records-expired`, `comparison-exhausted`; the signal's reason.
 */
export async function compareToNow(options: CompareToNowOptions): Promise<ComparedToNow> {
  const join = new Join({ ...options, baseline: true });
  const comparison = new Comparison(options);
  for await (const item of new PanelReader(join, options).readItemsToNow()) {
    if (!isLate(item, options)) comparison.take(item);
  }
  return { comparison, incomplete: incompleteOf(join), heldBack: join.heldBack };
}

/** Commit times are not quite in commit order: what is later than the moment ends nothing. */
function isLate(item: JoinedItem, { untilUs, beforeLsn }: CompareToNowOptions): boolean {
  if (item.tag !== 'transaction') return false;
  const { commitTimeUs, commitLsn } = item.transaction.identity;
  return (
    (untilUs !== undefined && commitTimeUs > untilUs) || (beforeLsn !== undefined && commitLsn >= beforeLsn)
  );
}

/** The transactions of a join that are not whole, named. */
export function incompleteOf(join: Join): Incomplete[] {
  return join.stragglers.map(({ identity, ...rest }) => ({ ...referenceTo(identity), ...rest }));
}

/** Where an answer's drift is, over all kinds of aggregate. */
export function drifted(answer: Answer): number {
  return Object.values(answer.drift).reduce((sum, { driftedCount }) => sum + driftedCount, 0);
}
