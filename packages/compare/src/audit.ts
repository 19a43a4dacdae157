/**
 * The leak report by shape: transactions that changed an audited table and carried no event, and events whose transaction
 * changed no row.
 */
import type { AcceptedShape } from './accepted-shapes.ts';
import type { AuditOf, LeakShapeOf } from './leak-report.ts';
import { coveringShapes, shapeText, within } from './shape.ts';
import { inCommitOrder, mergedEntries, type ShapeEntry, type ShapeFinder, writerOf } from './shape-finder.ts';
import type { TransactionReference } from './transaction-reference.ts';

export interface AuditOptions {
  /** `schema.table` each. Default: every table that at least once changed together with an event. */
  readonly tables?: readonly string[] | undefined;
  readonly accepted?: readonly AcceptedShape[] | undefined;
  /** Aggregate types whose events need no row. */
  readonly eventOnly?: readonly string[] | undefined;
}

export type LeakShape = LeakShapeOf<TransactionReference>;

export type Audit = AuditOf<TransactionReference>;

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
    const covering = coveringShapes(entry.shape).find((text) => reasons.has(text));
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

function leakShape({
  shape,
  transactions,
  silent,
  events,
  examples,
  last,
  writers,
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
    writers: [...writers]
      .map(([key, count]) => ({ writer: writerOf(key), transactions: count }))
      .sort((left, right) => right.transactions - left.transactions),
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
