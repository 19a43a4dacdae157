/** Reports for people: lines without a newline, data made visible. */
import type { Audit, LeakShape } from './audit.ts';
import type { Incomplete } from './compare-to-now.ts';
import type { Drift, DriftReport } from './drift.ts';
import type { IntentLoss } from './intent-loss.ts';
import type { Writer } from './leak-report.ts';
import type { TableDrift } from './table-drift.ts';
import type { TransactionReference } from './transaction-reference.ts';
import { visible } from './two-columns.ts';

/** Entries of each list that are printed; `--json` has more. */
const listMax = 50;

/** The leak report by shape. */
export function auditLines({
  tables,
  transactions,
  withEvent,
  percent,
  shapes,
  accepted,
  rowless,
  acceptedUnused,
}: Audit): string[] {
  const share =
    percent === null
      ? 'no transaction changed an audited table'
      : `${percent} % of ${transactions} transactions`;
  return [
    `audited tables: ${tables.join(', ') || 'none'}`,
    percent === null ? share : `with an event: ${share} (${withEvent})`,
    ...section(`shapes without an event: ${shapes.length}`, shapes, leakLines),
    ...optional('accepted shapes', accepted, (leak) => [
      `${leak.shape}: ${leak.leaks} without an event (${leak.reason})`,
    ]),
    ...optional('accepted, and never seen without an event', acceptedUnused, (shape) => [shape]),
    ...optional('events without a row', rowless, ({ type, transactions: count, first, last }) => [
      `${type}: ${count}, first ${named(first)}, last ${named(last)}`,
    ]),
  ].map(visible);
}

function leakLines({
  shape,
  carries,
  leaks,
  transactions,
  percent,
  events,
  writers,
  first,
  last,
}: LeakShape): string[] {
  const share = carries === 'never' ? 'never carries an event' : `carries an event in ${percent} %`;
  return [
    shape,
    `  ${share}: ${leaks} of ${transactions} without; first ${named(first)}, last ${named(last)}`,
    `  writer: ${writers.map(({ writer, transactions: count }) => `${writerText(writer)} (${count})`).join(', ')}`,
    ...(events.length === 0
      ? []
      : [`  travels with ${events.map(({ type, transactions: count }) => `${type} (${count})`).join(', ')}`]),
  ];
}

function writerText(writer: Writer | null): string {
  if (writer === null) return 'unknown';
  const { application, user, client } = writer;
  return `${application || 'no application name'} as ${user ?? 'unknown'} from ${client ?? 'a local socket'}`;
}

/** Drift of each kind of aggregate, and where the comparison ends. */
export function driftLines(drift: Readonly<Record<string, DriftReport>>): string[] {
  return Object.entries(drift)
    .flatMap(([type, { drifted, unproven, agreed, driftedCount, unprovenCount }]) => [
      `${type}: ${agreed} agree, ${driftedCount} drifted, ${unprovenCount} unproven`,
      ...section('drifted', drifted, partingLines),
      ...optional('unproven', unproven, ({ id, reason }) => [`${type} ${id}: ${reason}`]),
    ])
    .map(visible);
}

/** Drift against the tables, of each kind of aggregate. */
export function tableDriftLines(tables: Readonly<Record<string, TableDrift>>): string[] {
  return Object.entries(tables)
    .flatMap(([type, { drifted, agreed, driftedCount, unprovenCount }]) => [
      `${type}: ${agreed} agree, ${driftedCount} drifted, ${unprovenCount} unproven`,
      ...section('drifted', drifted, ({ id, differences }) => [
        `${type} ${id}`,
        ...differences.map(
          ({ fact, events, rows }) => `  ${fact}: meant ${events ?? 'nothing'}, stored ${rows ?? 'nothing'}`,
        ),
      ]),
    ])
    .map(visible);
}

function partingLines({ aggregateType, id, since, differences }: Drift): string[] {
  return [
    `${aggregateType} ${id} since ${named(since)}`,
    ...differences.map(
      ({ fact, events, rows }) => `  ${fact}: meant ${events ?? 'nothing'}, done ${rows ?? 'nothing'}`,
    ),
  ];
}

/** A table of events and a matrix of pairs. */
export function intentLines({ events, pairs, matrix }: IntentLoss): string[] {
  if (events.length === 0) return ['no type of event was alone in its transaction often enough'];
  const width = Math.max(...events.map(({ type }) => type.length));
  const cell = (value: number | string): string => String(value).padStart(8);
  return [
    `${'event, alone in its transaction'.padEnd(width)}   transactions   row changes each   ambiguous`,
    ...events.map(
      ({ type, transactions, changesPerEvent, ambiguous }) =>
        `${type.padEnd(width)}   ${String(transactions).padStart(12)}   ${String(changesPerEvent).padStart(16)}   ${String(ambiguous).padStart(9)}`,
    ),
    '',
    'of the row’s transactions, those whose row changes look like the column’s:',
    `${' '.repeat(width)}${events.map((_event, index) => cell(`(${index + 1})`)).join('')}`,
    ...events.map(
      ({ type }, row) =>
        `${type.padEnd(width)}${(matrix[row] ?? []).map((value, column) => cell(row === column ? '·' : value)).join('')}`,
    ),
    '',
    ...section(
      `pairs that rows cannot tell apart: ${pairs.length}`,
      pairs,
      ({ left, right, indistinguishable, transactions, shapes }) => [
        `${left} and ${right}: ${indistinguishable} of ${transactions} transactions`,
        ...shapes.map((shape) => `  ${shape}`),
      ],
    ),
  ].map(visible);
}

/** Up to where, and why no further. */
export function horizonLines(
  horizon: TransactionReference | null,
  { incomplete, heldBack }: { incomplete: readonly Incomplete[]; heldBack: number },
): string[] {
  return [
    horizon === null ? 'nothing is compared yet' : `compared up to ${named(horizon)}`,
    ...optional('incomplete transactions', incomplete, ({ expected, got, ...reference }) => [
      `${named(reference)}: ${got.events} events and ${got.changes} changes of ${
        expected === null ? 'unknown (no END)' : `${expected.events} and ${expected.changes}`
      }`,
    ]),
    ...(heldBack > 0 ? [`not compared, behind the first incomplete one: ${heldBack}`] : []),
  ].map(visible);
}

const named = ({ xid, commitLsn, commitTime }: TransactionReference): string =>
  `xid ${xid} at ${commitLsn} (${commitTime})`;

function section<T>(title: string, items: readonly T[], lines: (item: T) => string[]): string[] {
  const shown = items.slice(0, listMax).flatMap(lines);
  const rest = items.length > listMax ? [`… and ${items.length - listMax} more`] : [];
  return [title, ...[...shown, ...rest].map((line) => `  ${line}`)];
}

function optional<T>(title: string, items: readonly T[], lines: (item: T) => string[]): string[] {
  return items.length === 0 ? [] : section(`${title}: ${items.length}`, items, lines);
}
