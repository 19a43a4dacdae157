/**
 * A fact: what one record says, as one line. The writer notes the facts of its transaction in the ledger, the referee reads
 * them from the records; nothing else is compared.
 */
import { unreachable } from '@diptych/runtime/assert';
import type { PrintedRecord } from '../java-consumer.ts';
import type { Reading } from '../referee.ts';
import type { Table } from './tables.ts';

/** Where a record was read. */
export type Source = Table | 'event' | 'end';

export const fact = {
  written: (op: 'c' | 'u', { k, version, tag }: { k: number; version: number; tag: string }) =>
    `accounts ${op} ${k} ${version} ${tag}`,
  deleted: ({ k, version, tag }: { k: number; version: number; tag: string }) =>
    `accounts d ${k} ${version} ${tag}`,
  entry: (op: 'c' | 'u' | 'd', tag: string) => `entries ${op} ${tag}`,
  scratched: (tag: string) => `scratch c ${tag}`,
  truncated: () => 'scratch t',
  tombstone: (table: Table) => `${table} tombstone`,
  event: ({ k, tag }: { k: number; tag: string }) => `event ${k} ${tag}`,
  ledger: ({ writer, n }: { writer: number; n: number }) => `ledger c ${writer} ${n}`,
  end: ({ changes, events }: { changes: number; events: number }) => `end ${changes} ${events}`,
};

/** Reads a record; undefined when it is none that a writer could have caused. Accounts and events have versions. */
export function read(
  source: Source,
  { key, value }: Pick<PrintedRecord, 'key' | 'value'>,
): Reading | undefined {
  if (value === 'null')
    return source === 'event' || source === 'end' ? undefined : { fact: fact.tombstone(source) };
  const body = JSON.parse(value);
  switch (source) {
    case 'event': {
      const { tag, version } = body;
      return { fact: fact.event({ k: Number(key), tag }), order: { key: `event ${key}`, version } };
    }
    case 'end':
      return { fact: fact.end({ changes: body.event_count, events: body.domain_event_count }) };
    case 'accounts':
    case 'entries':
    case 'scratch':
    case 'ledger':
      return change(source, body);
    default:
      return unreachable(source);
  }
}

interface Envelope {
  readonly op: 'c' | 'u' | 'd' | 't';
  readonly before: Row | null;
  readonly after: Row | null;
}

interface Row {
  readonly k: number;
  readonly version: number;
  readonly tag: string;
  readonly writer: number;
  readonly n: number;
}

function change(table: Table, { op, before, after }: Envelope): Reading | undefined {
  if (op === 't') return { fact: fact.truncated() };
  const row = op === 'd' ? before : after;
  if (row === null) return undefined;
  switch (table) {
    case 'accounts': {
      const order = { key: `accounts ${row.k}`, version: row.version };
      return op === 'd' ? { fact: fact.deleted(row) } : { fact: fact.written(op, row), order };
    }
    case 'entries':
      return { fact: fact.entry(op, row.tag) };
    case 'scratch':
      return op === 'c' ? { fact: fact.scratched(row.tag) } : undefined;
    case 'ledger':
      return op === 'c' ? { fact: fact.ledger(row) } : undefined;
    default:
      return unreachable(table);
  }
}
