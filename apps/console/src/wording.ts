/** What the panels say, in words. */
import type { DomainEvent, RowChange } from '@diptych/compare/console-api';
import type { UnprovenReason } from '@diptych/compare/console-reports';
import type { Writer } from '@diptych/compare/leak-report';

/** `ItemAdded` → `Item added`; anything else as it is. */
export function spoken(type: string): string {
  if (!/^[A-Z][A-Za-z0-9]*$/.test(type)) return type;
  const parts = type.split(/(?<=[a-z0-9])(?=[A-Z])/);
  return parts
    .map((part, index) => (index === 0 || /^[A-Z]{2}/.test(part) ? part : part.toLowerCase()))
    .join(' ');
}

/** The event's line without what is shown beside it: type, aggregate, who and why. */
export function details({ words, type, aggregateType, key, actor }: DomainEvent): string {
  const known = new Set([type, key === null ? aggregateType : `${aggregateType} ${key}`]);
  return words
    .split('  ')
    .filter((part) => !known.has(part) && !(actor !== null && part.startsWith(`(${actor}`)))
    .join('  ');
}

/** Without the schema that needs no naming. */
export const tableWords = (table: string): string => table.replace(/^public\./, '');

export const operationWords: Readonly<Record<RowChange['op'], string>> = {
  c: 'insert',
  u: 'update',
  d: 'delete',
  t: 'truncate',
};

export const unprovenWords: Readonly<Record<UnprovenReason, string>> = {
  'beginning-unseen': 'its beginning was never seen',
  'event-unreadable': 'an event cannot be read',
  'row-unreadable': 'a row cannot be read',
};

/** Who wrote something, as far as he said: `nightly as batch from 10.0.0.7`. */
export function writerWords(writer: Writer | null): string {
  if (writer === null) return 'unknown';
  const { application, user, client } = writer;
  return `${application || 'no application name'} as ${user ?? 'unknown'} from ${client ?? 'a local socket'}`;
}

/** What a position is, `<timeline>-<commitLsn>`, in commit order. */
export function comparePositions(left: string, right: string): number {
  const [leftTimeline = '', leftLsn = ''] = left.split('-');
  const [rightTimeline = '', rightLsn = ''] = right.split('-');
  return (
    Number(leftTimeline) - Number(rightTimeline) || (leftLsn < rightLsn ? -1 : leftLsn > rightLsn ? 1 : 0)
  );
}
