/** The comparison of both panels from their beginning up to now, or up to a moment. */
import { type Answer, Comparison, type ComparisonOptions } from './comparison.ts';
import { Join } from './join.ts';
import { PanelReader, type PanelReaderOptions } from './panel-reader.ts';
import type { Straggler } from './pending-transaction.ts';
import { referenceTo, type TransactionReference } from './transaction-reference.ts';

export interface CompareToNowOptions extends PanelReaderOptions, ComparisonOptions {
  /** Transactions that committed later, in µs since 1970, are left aside. */
  readonly untilUs?: bigint | undefined;
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
  const { untilUs } = options;
  for await (const item of new PanelReader(join, options).readItemsToNow()) {
    // Commit times are not quite in commit order: what is later than the moment ends nothing.
    const isLate =
      item.tag === 'transaction' && untilUs !== undefined && item.transaction.identity.commitTimeUs > untilUs;
    if (!isLate) comparison.take(item);
  }
  return { comparison, incomplete: incompleteOf(join), heldBack: join.heldBack };
}

/** The transactions of a join that are not whole, named. */
export function incompleteOf(join: Join): Incomplete[] {
  return join.stragglers.map(({ identity, ...rest }) => ({ ...referenceTo(identity), ...rest }));
}

/** Where an answer's drift is, over all kinds of aggregate. */
export function drifted(answer: Answer): number {
  return Object.values(answer.drift).reduce((sum, { driftedCount }) => sum + driftedCount, 0);
}
