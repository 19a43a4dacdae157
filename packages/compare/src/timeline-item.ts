/** A joined transaction as the console keeps and shows it: bounded, every value a text. */
import { stringifyLossless } from '@diptych/runtime/json';
import type { Cell, Column, DomainEvent, Marks, RowChange, TimelineItem } from './console-api.ts';
import { describeEvent } from './describe-event.ts';
import {
  type Change,
  type JoinedTransaction,
  type DomainEvent as MeantEvent,
  tableName,
} from './joined-transaction.ts';
import { isJsonObject } from './json-object.ts';
import { digestOf, type Mask } from './mask.ts';
import { describeChange } from './pair.ts';
import { formatPosition } from './position.ts';
import { referenceTo } from './transaction-reference.ts';
import { visible } from './two-columns.ts';

/** Without what may change as more is learned. */
export type StoredItem = Omit<TimelineItem, keyof Marks>;

export interface ItemOptions {
  readonly mask: Mask;
  /** A domain event in words; default `describeEvent`. */
  readonly describe?: ((event: MeantEvent) => string) | undefined;
}

/** Events, and changes, that are kept of one transaction; of the others only how many they were. */
export const recordsKeptMax = 200;
/** Characters that are kept of a value, of a payload, of all values of a row, and of a transaction. */
const cellLengthMax = 2000;
const payloadLengthMax = 8000;
const rowLengthMax = 40_000;
const itemLengthMax = 120_000;
/** What a column, or an event, takes besides its texts. */
const lengthBesides = 100;

/** A transaction as it is kept. `aggregates` are those that it touched. */
export function timelineItem(
  transaction: JoinedTransaction,
  { aggregates, lagMs, ...options }: ItemOptions & Pick<TimelineItem, 'aggregates' | 'lagMs'>,
): StoredItem {
  const { identity, domainEvents, changes, parkedCount, omitted } = transaction;
  return {
    position: formatPosition(identity),
    ...referenceTo(identity),
    lagMs,
    events: within(domainEvents, { show: (event) => shownEvent(event, options), lengthOf: eventLength }),
    changes: within(changes, { show: (change) => shownChange(change, options), lengthOf: changeLength }),
    eventCount: domainEvents.length,
    // Which side the records that were too many are of is not known; rows are what makes a transaction large.
    changeCount: changes.length + omitted,
    parkedCount,
    aggregates,
  };
}

/** An event as it is kept. */
export function shownEvent(
  event: MeantEvent,
  { describe = describeEvent, released = false }: ItemOptions & { readonly released?: boolean },
): DomainEvent {
  const { ordinal, id, type, aggregateType, key, aggregateVersion, payload, headers } = event;
  const said = (member: string): string | null => {
    const value = isJsonObject(payload) ? payload[member] : undefined;
    return typeof value === 'string' ? value.slice(0, cellLengthMax) : (headers.get(member) ?? null);
  };
  return {
    ...{ ordinal, id, type, aggregateType, key },
    aggregateVersion: aggregateVersion === null ? null : String(aggregateVersion),
    words: visible(describe(event)).slice(0, cellLengthMax),
    actor: said('actor'),
    reason: said('reason'),
    payload: cut(stringifyLossless(payload ?? null), payloadLengthMax),
    released,
  };
}

/** A row change as it is kept. */
export function shownChange(change: Change, { mask }: ItemOptions): RowChange {
  const { ordinal, op, key, before, after } = change;
  let lengthLeft = rowLengthMax;
  const cell = (column: string, value: unknown): Cell => {
    const kept = cellOf(value, {
      isMasked: mask.hides(change, column),
      lengthMax: Math.min(cellLengthMax, lengthLeft),
    });
    if (kept.tag === 'value') lengthLeft -= kept.text.length;
    return kept;
  };
  const names = new Set([...Object.keys(after ?? {}), ...Object.keys(before ?? {}), ...change.unchanged]);
  const keys = Object.keys(key ?? {});
  return {
    ordinal,
    table: tableName(change),
    op,
    key: keys.map((column) => ({ column, cell: cell(column, key?.[column]) })),
    columns: [...names]
      .filter((column) => !keys.includes(column))
      .map((column): Column => {
        const was = before === null ? undefined : before[column];
        const is = after === null ? undefined : after[column];
        const isKnown = op === 'u' && was !== undefined && is !== undefined;
        return {
          column,
          ...(op === 'c' ? {} : { before: cell(column, was) }),
          ...(op === 'd' ? {} : { after: cell(column, is) }),
          changed: isKnown && stringifyLossless(was) !== stringifyLossless(is),
        };
      }),
    words: visible(describeChange(change)).slice(0, cellLengthMax),
  };
}

/** The first records, as many as are kept: the first one at any rate. */
function within<Made, Shown>(
  records: readonly Made[],
  { show, lengthOf }: { show: (record: Made) => Shown; lengthOf: (shown: Shown) => number },
): Shown[] {
  const kept: Shown[] = [];
  let length = 0;
  for (const record of records.slice(0, recordsKeptMax)) {
    const shown = show(record);
    length += lengthOf(shown);
    if (kept.length > 0 && length > itemLengthMax / 2) break;
    kept.push(shown);
  }
  return kept;
}

const eventLength = ({ words, payload }: DomainEvent): number =>
  words.length + payload.text.length + lengthBesides;

function changeLength({ words, columns }: RowChange): number {
  const lengthOf = (cell: Cell | undefined): number => (cell?.tag === 'value' ? cell.text.length : 0);
  return columns.reduce(
    (sum, { before, after }) => sum + lengthOf(before) + lengthOf(after) + lengthBesides,
    words.length,
  );
}

function cellOf(value: unknown, { isMasked, lengthMax }: { isMasked: boolean; lengthMax: number }): Cell {
  if (value === undefined) return { tag: 'unknown' };
  if (value === null) return { tag: 'null' };
  if (isMasked) return { tag: 'masked', digest: digestOf(value) };
  return { tag: 'value', ...cut(typeof value === 'string' ? value : stringifyLossless(value), lengthMax) };
}

function cut(text: string, lengthMax: number): { readonly text: string; readonly cut: boolean } {
  return { text: text.slice(0, lengthMax), cut: text.length > lengthMax };
}
