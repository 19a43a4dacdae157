/**
 * The leak report by shape: transactions that changed an audited table and carried no event, and events whose transaction
 * changed no row.
 */
import type { AcceptedShape } from './accepted-shapes.ts';
import { coarsened, shapeText, within } from './shape.ts';
import {
  inCommitOrder,
  mergedEntries,
  type RowlessEvents,
  type ShapeEntry,
  type ShapeFinder,
} from './shape-finder.ts';
import type { TransactionReference } from './transaction-reference.ts';

export interface AuditOptions {
  /** `schema.table` each. Default: every table that at least once changed together with an event. */
  readonly tables?: readonly string[] | undefined;
  readonly accepted?: readonly AcceptedShape[] | undefined;
  /** Aggregate types whose events need no row. */
  readonly eventOnly?: readonly string[] | undefined;
}

/** A shape of which transactions carried no event. */
export interface LeakShape {
  readonly shape: string;
  /** `never`: no transaction of this shape carried an event; `sometimes`: others did. */
  readonly carries: 'never' | 'sometimes';
  readonly transactions: number;
  /** Those without an event. */
  readonly leaks: number;
  /** With an event, of 100, three decimals. */
  readonly percent: number;
  /** With which events it travelled, the most frequent first. */
  readonly events: readonly { readonly type: string; readonly transactions: number }[];
  readonly first: TransactionReference;
  readonly last: TransactionReference;
  /** The first ones, a hundred at most, in commit order. */
  readonly examples: readonly TransactionReference[];
}

export interface Audit {
  /** `schema.table`, sorted: those given, or those learned. */
  readonly tables: readonly string[];
  /** That changed an audited table, without those of accepted shapes. */
  readonly transactions: number;
  readonly withEvent: number;
  readonly leaks: number;
  /** `withEvent` of 100 `transactions`, three decimals, never rounded up to 100; null without any. */
  readonly percent: number | null;
  /** Not accepted, those with the most leaks first. */
  readonly shapes: readonly LeakShape[];
  readonly accepted: readonly (LeakShape & { readonly reason: string })[];
  /** Accepted shapes that no transaction had without an event: the file may forget them. */
  readonly acceptedUnused: readonly string[];
  /** Events without a row, by type, the most frequent first. */
  readonly rowless: readonly (RowlessEvents & { readonly type: string })[];
}

/** What the finder learned, as a report. */
export function audit(
  learned: ReturnType<ShapeFinder['learned']>,
  { tables, accepted = [], eventOnly = [] }: AuditOptions = {},
): Audit {
  const audited = tables === undefined ? learned.tablesWithEvents : new Set(tables);
  const entries = [...mergedEntries(learned.entries, (shape) => within(shape, audited)).values()].filter(
    ({ shape }) => shape.length > 0,
  );
  const reasons = new Map(accepted.map(({ shape, reason }) => [shape, reason]));
  const used = new Set<string>();
  const accept: (LeakShape & { reason: string })[] = [];
  const shapes: LeakShape[] = [];
  let transactions = 0;
  let leaks = 0;
  for (const entry of entries) {
    const covering = coveringShapes(entry).find((text) => reasons.has(text));
    const leak = leakShape(entry);
    if (covering !== undefined) {
      if (leak !== undefined) accept.push({ ...leak, reason: reasons.get(covering) ?? '' });
      if (leak !== undefined) used.add(covering);
      continue;
    }
    transactions += entry.transactions;
    leaks += entry.silent;
    if (leak !== undefined) shapes.push(leak);
  }
  return {
    tables: [...audited].sort(),
    transactions,
    withEvent: transactions - leaks,
    leaks,
    percent: transactions === 0 ? null : percentOf(transactions - leaks, transactions),
    shapes: shapes.sort(byLeaks),
    accepted: accept.sort(byLeaks),
    acceptedUnused: [...reasons.keys()].filter((shape) => !used.has(shape)),
    rowless: [...learned.rowless]
      .filter(([type]) => !eventOnly.includes(type.slice(0, type.lastIndexOf(' '))))
      .map(([type, rowless]) => ({ type, ...rowless }))
      .sort((left, right) => right.transactions - left.transactions || (left.type < right.type ? -1 : 1)),
  };
}

/** The texts by which a shape can be accepted: as it is, and whatever the values of its states are. */
function coveringShapes({ shape }: ShapeEntry): string[] {
  return [shapeText(shape), shapeText(coarsened(shape, () => false))];
}

function leakShape({
  shape,
  transactions,
  silent,
  events,
  examples,
  last,
}: ShapeEntry): LeakShape | undefined {
  const [first] = examples;
  if (first === undefined || last === null) return undefined;
  return {
    shape: shapeText(shape),
    carries: silent === transactions ? 'never' : 'sometimes',
    transactions,
    leaks: silent,
    percent: percentOf(transactions - silent, transactions),
    events: [...events]
      .map(([type, count]) => ({ type, transactions: count }))
      .sort((left, right) => right.transactions - left.transactions || (left.type < right.type ? -1 : 1)),
    first,
    last,
    examples,
  };
}

const byLeaks = (left: LeakShape, right: LeakShape): number =>
  right.leaks - left.leaks || inCommitOrder(left.first, right.first);

/** Rounded down: 99.9996 is not 100. */
function percentOf(part: number, whole: number): number {
  return Math.floor((part * 100_000) / whole) / 1000;
}
