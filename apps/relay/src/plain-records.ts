/**
 * The short way of nearly all records: written once, as the bytes they will be sent as, from the row straight to where they
 * wait. It makes what the long way makes (`panels.ts`), byte for byte, or nothing: whatever is out of the ordinary is left to
 * that one, which knows what to do with it.
 */
import { collectionOf } from '@diptych/change/relation-plan';
import type { TransactionCounters } from '@diptych/change/transaction-counters';
import { identityBytesMax } from '@diptych/kafka/identity';
import type { PlainEvent } from '@diptych/outbox/plain-event';
import type { Row } from '@diptych/pgoutput/row';
import type { TransactionChange } from '@diptych/transaction/transaction';
import type { ChangePanel } from './change-panel.ts';
import { type IdentityStamp, sizeOf } from './identity-stamp.ts';
import type { Outbox, Outboxes } from './outboxes.ts';
import type { PublishedRecord } from './panels.ts';
import type { Poison } from './parking/poison.ts';
import { lengthsBytes, type WrittenRecords } from './written-records.ts';

export interface PlainRecordsOptions {
  readonly change: ChangePanel;
  readonly poison: Poison;
  readonly stamp: IdentityStamp;
  readonly outboxes: Outboxes;
  readonly written: WrittenRecords;
  readonly rowBytesMax: number;
}

export class PlainRecords {
  readonly #options: PlainRecordsOptions;

  constructor(options: PlainRecordsOptions) {
    this.#options = options;
  }

  /** The one record of a change whose message has `size` bytes, and counts it; null when it is out of the ordinary, and nothing was counted. */
  of(
    change: TransactionChange,
    { counters, size }: { counters: TransactionCounters; size: number },
  ): PublishedRecord | null {
    const { change: panel, outboxes, poison, rowBytesMax } = this.#options;
    const { message, ordinal } = change;
    const isRow = message.tag === 'insert' || message.tag === 'update';
    if (!isRow || panel.begins || size > rowBytesMax || !poison.isQuiet) return null;
    const outbox = outboxes.of(message);
    if (outbox) {
      const isPlain = !outboxes.hidesFields && !panel.publishes(message.relation);
      return isPlain ? this.#event(change, { outbox, counters }) : null;
    }
    const written = panel.write(change, counters);
    if (written === null) return null;
    const record = this.#options.written.of(written, { panel: 'change', ordinal });
    if (record === null) counters.uncountChange(collectionOf(message.relation));
    return record;
  }

  #event(
    change: TransactionChange,
    { outbox, counters }: { outbox: Outbox; counters: TransactionCounters },
  ): PublishedRecord | null {
    const { ordinal } = change;
    if (outbox.check || outbox.cloudEvents) return null;
    const event = outbox.router.plain(change);
    if (event === null) return null;
    const { topic, row, key, value, headers } = event;
    const { body } = this.#options.written;
    if (!body.begin(bytesMaxOf(event))) return null;
    const keyBytes = row.end(key) - row.start(key);
    const valueBytes = value < 0 ? 0 : row.end(value) - row.start(value);
    body.key(row.bytes, row.start(key), row.end(key));
    if (value < 0) body.nothing();
    else body.sized(row.bytes, row.start(value), row.end(value));
    body.length(1 + headers.length);
    this.#options.stamp.writer.write(body, { ordinal, part: 0 });
    for (const { name, column } of headers) {
      body.sized(name, 0, name.length);
      body.sized(row.bytes, row.start(column), row.end(column));
    }
    const bytes = sizeOf(keyBytes + valueBytes, headers.length);
    const record = this.#options.written.close({ topic, panel: 'domain', bytes });
    if (record) counters.countDomainEvent(topic, event.eventType);
    return record;
  }
}

function bytesMaxOf({ row, key, value, headers }: PlainEvent): number {
  let bytes = lengthsBytes + identityBytesMax + lengthOf(row, key) + lengthOf(row, value);
  for (const { name, column } of headers) bytes += 2 * 5 + name.length + lengthOf(row, column);
  return bytes;
}

const lengthOf = (row: Row, column: number): number => (column < 0 ? 0 : row.end(column) - row.start(column));
