/**
 * Intent loss: what row changes no longer say. Over transactions with exactly one event: which types of event cannot be
 * told from each other by what was done to the rows, and how many row changes it takes to rebuild one event.
 */
import { shapeText } from './shape.ts';
import type { ShapeFinder } from './shape-finder.ts';

export interface IntentLossOptions {
  /** Types that were seen less often are left out: little was seen of what they look like. */
  readonly sightingsMin?: number;
}

/** A type of event, as its rows tell it. */
export interface EventIntent {
  /** `cart ItemAdded` */
  readonly type: string;
  /** Transactions with this event alone. */
  readonly transactions: number;
  /** Row changes of such a transaction, on average, two decimals. */
  readonly changesPerEvent: number;
  /** Of these transactions, those whose row changes have a shape that another of the types has too. */
  readonly ambiguous: number;
}

/** Two types of event. */
export interface IntentPair {
  readonly left: string;
  readonly right: string;
  /** Transactions of either of the two. */
  readonly transactions: number;
  /** Those of them whose row changes have a shape that the other has too. */
  readonly indistinguishable: number;
  /** The shapes that both have. */
  readonly shapes: readonly string[];
}

export interface IntentLoss {
  /** Sorted by type. */
  readonly events: readonly EventIntent[];
  /** Those of which something is indistinguishable, the most first. */
  readonly pairs: readonly IntentPair[];
  /** By row and column of `events`: of the row's transactions, those of a shape that the column's type has too. */
  readonly matrix: readonly (readonly number[])[];
}

const sightingsMinDefault = 10;

/** What the finder learned, as a report. */
export function intentLoss(
  { entries }: Pick<ReturnType<ShapeFinder['learned']>, 'entries'>,
  { sightingsMin = sightingsMinDefault }: IntentLossOptions = {},
): IntentLoss {
  const sums = new Map<string, { transactions: number; changes: number }>();
  for (const { alone } of entries) {
    for (const [type, { transactions, changes }] of alone) {
      const sum = sums.get(type) ?? { transactions: 0, changes: 0 };
      sums.set(type, { transactions: sum.transactions + transactions, changes: sum.changes + changes });
    }
  }
  const seen = [...sums].filter(([, { transactions }]) => transactions >= sightingsMin);
  const types = seen.map(([type]) => type).sort();
  const shared = (type: string, others: readonly string[]): number =>
    entries.reduce((sum, { alone }) => {
      const isShared = others.some((other) => other !== type && alone.has(other));
      return sum + (isShared ? (alone.get(type)?.transactions ?? 0) : 0);
    }, 0);
  const events = types.map((type) => {
    const { transactions, changes } = sums.get(type) ?? { transactions: 0, changes: 0 };
    const changesPerEvent = Math.round((changes / transactions) * 100) / 100;
    return { type, transactions, changesPerEvent, ambiguous: shared(type, types) };
  });
  const pairs = events.flatMap((left, index) =>
    events.slice(index + 1).flatMap((right): IntentPair[] => {
      const indistinguishable = shared(left.type, [right.type]) + shared(right.type, [left.type]);
      if (indistinguishable === 0) return [];
      const both = entries.filter(({ alone }) => alone.has(left.type) && alone.has(right.type));
      return [
        {
          left: left.type,
          right: right.type,
          transactions: left.transactions + right.transactions,
          indistinguishable,
          shapes: both.map(({ shape }) => shapeText(shape)).sort(),
        },
      ];
    }),
  );
  return {
    events,
    pairs: pairs.sort((left, right) => right.indistinguishable - left.indistinguishable),
    matrix: types.map((row) => types.map((column) => (row === column ? 0 : shared(row, [column])))),
  };
}
