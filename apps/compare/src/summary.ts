/** The end of the report, for people. */
import type { Drift } from '@diptych/compare/drift';
import type { TransactionReference } from '@diptych/compare/transaction-reference';
import { visible } from '@diptych/compare/two-columns';
import type { Report } from './report.ts';

/** Entries of each list that are printed; `--json` has them all. */
const listMax = 50;

/** Figures, then what was found, list by list; lines without a newline. */
export function summaryLines(report: Report): string[] {
  const { transactions, events, changes, audited } = report;
  const { leaks, driftedCarts, unproven, incomplete, heldBack, tooLarge, repeated, repeatedCount } = report;
  const compared = `${count(transactions, 'transaction')}: ${count(events, 'event')}, ${count(changes, 'change')}`;
  return [
    report.horizon === null ? compared : `${compared}, compared up to ${named(report.horizon)}`,
    `audited tables: ${audited.join(', ') || 'none'}`,
    ...list(`leaks: ${leaks.length}`, leaks, (leak) => [
      `${named(leak)}  ${leak.ops.join(',')}  ${leak.tables.join(', ')}`,
    ]),
    ...list(`drifted carts: ${driftedCarts.length}`, driftedCarts, driftLines),
    ...optional('carts without a proof', unproven, ({ id, reason }) => [`cart ${id}: ${reason}`]),
    ...optional('incomplete transactions', incomplete, ({ expected, got, ...reference }) => [
      `${named(reference)}: ${tally(got)} of ${expected === null ? 'unknown (no END)' : tally(expected)}`,
    ]),
    ...(heldBack > 0
      ? [`not compared, behind the first incomplete one: ${count(heldBack, 'transaction')}`]
      : []),
    ...optional('transactions too large to compare wholly', tooLarge, (reference) => [named(reference)]),
    ...optional(`records that must not be there (${repeatedCount})`, repeated, (record) => [
      `${record.what}: ${record.topic}, partition ${record.partition}, offset ${record.offset}, ${named(record)}`,
    ]),
  ].map(visible);
}

function driftLines({ id, since, differences }: Drift): string[] {
  return [
    `cart ${id} since ${named(since)}`,
    ...differences.map(
      ({ fact, events, rows }) => `  ${fact}: meant ${events ?? 'nothing'}, done ${rows ?? 'nothing'}`,
    ),
  ];
}

const named = ({ xid, commitLsn, commitTime }: TransactionReference): string =>
  `xid ${xid} at ${commitLsn} (${commitTime})`;

const tally = ({ events, changes }: { events: number; changes: number }): string =>
  `${count(events, 'event')} and ${count(changes, 'change')}`;

const count = (amount: number, noun: string): string => `${amount} ${noun}${amount === 1 ? '' : 's'}`;

function list<T>(title: string, items: readonly T[], lines: (item: T) => string[]): string[] {
  const shown = items.slice(0, listMax).flatMap(lines);
  const rest = items.length > listMax ? [`… and ${items.length - listMax} more`] : [];
  return [title, ...[...shown, ...rest].map((line) => `  ${line}`)];
}

/** A list that is only told of when there is something in it. */
function optional<T>(title: string, items: readonly T[], lines: (item: T) => string[]): string[] {
  return items.length === 0 ? [] : list(`${title}: ${items.length}`, items, lines);
}
