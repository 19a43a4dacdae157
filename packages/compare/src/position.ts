/** Where a transaction stands in commit order, as text: `<timeline>-<commitLsn, 16 hex digits>` as in `diptych-tx`. */
import { formatLsnSortable, type Lsn, parseLsnSortable } from '@diptych/wal/lsn';
import type { Position } from './console-api.ts';
import type { TransactionIdentity } from './joined-transaction.ts';

type Commit = Pick<TransactionIdentity, 'timeline' | 'commitLsn'>;

export function formatPosition({ timeline, commitLsn }: Commit): Position {
  return `${timeline}-${formatLsnSortable(commitLsn)}`;
}

/** null when it is none. */
export function parsePosition(text: string): { readonly timeline: number; readonly commitLsn: Lsn } | null {
  const [, timeline, commitLsn] = /^(\d{1,9})-([0-9A-F]{16})$/.exec(text) ?? [];
  if (timeline === undefined || commitLsn === undefined) return null;
  return { timeline: Number(timeline), commitLsn: parseLsnSortable(commitLsn) };
}

const timelineDigits = 9;

/** The text by which positions of all timelines sort. */
export function sortable(position: Position): string {
  return position.padStart(timelineDigits + 1 + 16, '0');
}

/** The position of which this is the sortable text. */
export function fromSortable(text: string): Position {
  return text.replace(/^0+(?=\d+-)/, '');
}
