import type { PanelRecord } from '@diptych/transaction/panel-record';
import type { Transaction, TransactionEnd } from '@diptych/transaction/transaction';
import type { TransactionCounters } from './transaction-counters.ts';

/**
 * The END record of a transaction: what it consisted of, in both panels. A reader that has seen as much has all of it.
 * Its ordinal is the next after the last raw message. `topic` is the transaction topic.
 */
export function encodeEnd(
  { transaction }: TransactionEnd,
  { counters, topic }: { readonly counters: TransactionCounters; readonly topic: string },
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
  return { topic, key: Buffer.from(`{"id":${id}}`), value: Buffer.from(value), headers: [], part: 0 };
}

/** The BEGIN record of a transaction: it comes before its first record, with ordinal 0. `topic` is the transaction topic. */
export function encodeBegin(
  { commitTimeUs }: Transaction,
  { counters, topic }: { readonly counters: TransactionCounters; readonly topic: string },
): PanelRecord {
  const id = JSON.stringify(counters.id);
  const value = `{"status":"BEGIN","id":${id},"event_count":null,"data_collections":null,"ts_ms":${commitTimeUs / 1000n}}`;
  return { topic, key: Buffer.from(`{"id":${id}}`), value: Buffer.from(value), headers: [], part: 0 };
}
