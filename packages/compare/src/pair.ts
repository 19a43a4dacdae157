/** One joined transaction for a terminal: left what was meant, right what was done. */
import { styleText } from 'node:util';
import { stringifyLossless } from '@diptych/runtime/json';
import { formatLsn } from '@diptych/wal/lsn';
import { describeEvent, describeValue } from './describe-event.ts';
import type { Change, DomainEvent, JoinedTransaction } from './joined-transaction.ts';
import { isJsonObject } from './json-object.ts';
import { twoColumns, visible } from './two-columns.ts';

export interface PairOptions {
  /** Width of the terminal in characters. */
  readonly columns: number;
  /** Only for a terminal: escape sequences make a file unreadable. */
  readonly color?: boolean;
  /** A domain event in words; default `describeEvent`. */
  readonly describe?: (event: DomainEvent) => string;
  /** Events, and changes, shown of one transaction; of the others only how many they are. */
  readonly linesMax?: number;
}

const linesMaxDefault = 40;

/**
 * A head line (commit time, xid, LSN) and both sides below it, without a newline at the end. Where nothing was meant
 * the left side says `(no event)`.
 */
export function renderPair(transaction: JoinedTransaction, options: PairOptions): string {
  const { identity, commitTime, domainEvents, changes, parkedCount, omitted } = transaction;
  const { columns, color = false, describe = describeEvent, linesMax = linesMaxDefault } = options;
  const silent = domainEvents.length + parkedCount === 0;
  const head = `${commitTime.replace('T', ' ')}  xid ${identity.xid}  ${formatLsn(identity.commitLsn)}`;
  const left = [
    ...shown(domainEvents, linesMax, describe),
    ...(parkedCount > 0 ? [`(${parkedCount} parked)`] : []),
    ...(silent ? ['(no event)'] : []),
  ];
  const right = shown(changes, linesMax, describeChange);
  const body = twoColumns({
    left: left.map(visible),
    right: (right.length > 0 ? right : ['(no row)']).map(visible),
    columns,
    paint: (text) => (color ? paint(silent ? ['bold', 'red'] : 'cyan', text) : text),
  });
  const rest = omitted > 0 ? [`  … and ${omitted} more records`] : [];
  return [color ? paint('dim', head) : head, ...body, ...rest].join('\n');
}

/** Whether to colour is the caller's decision: no look at the stream. */
function paint(style: Parameters<typeof styleText>[0], text: string): string {
  return styleText(style, text, { validateStream: false });
}

function shown<T>(items: readonly T[], linesMax: number, describe: (item: T) => string): string[] {
  const lines = items.slice(0, linesMax).map(describe);
  return items.length > linesMax ? [...lines, `… and ${items.length - linesMax} more`] : lines;
}

/**
 * A row change in words: `cart_items  u  cart_id=101 sku=banana  quantity 1 → 2`. Of an update only the changed columns
 * when the row before is known; a column that was not sent (TOAST) did not change.
 */
export function describeChange(change: Change): string {
  const { schema, table, op, key, before, after } = change;
  const name = schema === 'public' ? table : `${schema}.${table}`;
  const keyed = members(key ?? {});
  const others = (row: object | null): string[] =>
    members(row ?? {}).filter((member) => !keyed.includes(member));
  switch (op) {
    case 'c':
      return line([name, op, [...keyed, ...others(after)].join(' ')]);
    case 'u': {
      const columns = before === null ? others(after).join(' ') : changedColumns(change).join(' ');
      return line([name, op, keyed.join(' '), columns]);
    }
    case 'd':
      return line([name, op, (key === null ? members(before ?? {}) : keyed).join(' ')]);
    case 't':
      return line([name, op]);
  }
}

const line = (parts: readonly string[]): string => parts.filter((part) => part !== '').join('  ');

function members(row: object): string[] {
  return Object.entries(row).map(([column, value]) => `${column}=${describeValue(value)}`);
}

function changedColumns({ before, after }: Change): string[] {
  if (!isJsonObject(before) || !isJsonObject(after)) return [];
  return Object.entries(after).flatMap(([column, value]) => {
    const previous = before[column];
    if (stringifyLossless(previous) === stringifyLossless(value)) return [];
    return [`${column} ${describeValue(previous)} → ${describeValue(value)}`];
  });
}
