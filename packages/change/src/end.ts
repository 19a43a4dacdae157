import type { PanelRecord } from '@diptych/transaction/panel-record';
import type { Transaction, TransactionEnd } from '@diptych/transaction/transaction';
import { inSchema, type TableSchemas } from './record-schema.ts';
import type { TransactionCounters } from './transaction-counters.ts';

export interface MarkerOptions {
  readonly counters: TransactionCounters;
  /** The transaction topic. */
  readonly topic: string;
  /** Of BEGIN and END; null: not sent. */
  readonly schemas?: TableSchemas | null;
}

/**
 * The END record of a transaction: what it consisted of, in both panels. A reader that has seen as much has all of it.
 * Its ordinal is the next after the last raw message.
 */
export function encodeEnd(
  { transaction }: TransactionEnd,
  { counters, topic, schemas = null }: MarkerOptions,
): PanelRecord {
  const id = JSON.stringify(counters.id);
  const collections: string[] = [];
  for (const [name, events] of counters.collections()) {
    collections.push(`{"data_collection":${JSON.stringify(name)},"event_count":${events}}`);
  }
  const domain: string[] = [];
  for (const count of counters.domain()) {
    const eventType = JSON.stringify(count.eventType);
    domain.push(`{"topic":"${count.topic}","event_type":${eventType},"event_count":${count.events}}`);
  }
  // One string by hand: every transaction has an END, and this is several times faster than an object and its keys.
  const value =
    `{"status":"END","id":${id},"ts_ms":${transaction.commitTimeUs / 1000n},"event_count":${counters.changes},` +
    `"data_collections":[${collections.join()}],"domain_event_count":${counters.domainEvents},` +
    `"domain_events":[${domain.join()}],"parked_count":${counters.parked}}`;
  return marker({ topic, id, value, schemas });
}

/** The BEGIN record of a transaction: it comes before its first record, with ordinal 0. */
export function encodeBegin(
  { commitTimeUs }: Transaction,
  { counters, topic, schemas = null }: MarkerOptions,
): PanelRecord {
  const id = JSON.stringify(counters.id);
  const value = `{"status":"BEGIN","id":${id},"event_count":null,"data_collections":null,"ts_ms":${commitTimeUs / 1000n}}`;
  return marker({ topic, id, value, schemas });
}

function marker({
  topic,
  id,
  value,
  schemas,
}: {
  topic: string;
  id: string;
  value: string;
  schemas: TableSchemas | null;
}): PanelRecord {
  return {
    topic,
    key: inSchema(Buffer.from(`{"id":${id}}`), schemas?.key ?? null),
    value: inSchema(Buffer.from(value), schemas?.value ?? null),
    headers: [],
    part: 0,
  };
}
