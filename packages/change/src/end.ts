import type { PanelRecord } from '@diptych/transaction/panel-record';
import type { TransactionEnd } from '@diptych/transaction/transaction';
import type { TransactionCounters } from './transaction-counters.ts';

/**
 * The END record of a transaction: what it consisted of, in both panels. A reader that has seen as much has all of it.
 * Its ordinal is the next after the last raw message. `topic` is the transaction topic.
 */
export function encodeEnd(
  { transaction }: TransactionEnd,
  { counters, topic }: { readonly counters: TransactionCounters; readonly topic: string },
): PanelRecord {
  const { id } = counters;
  const collections = Array.from(counters.collections(), ([name, events]) => ({
    data_collection: name,
    event_count: events,
  }));
  const domain = Array.from(counters.domain(), (count) => ({
    topic: count.topic,
    event_type: count.eventType,
    event_count: count.events,
  }));
  const value = {
    status: 'END',
    id,
    ts_ms: Number(transaction.commitTimeUs / 1000n),
    event_count: counters.changes,
    data_collections: collections,
    domain_event_count: counters.domainEvents,
    domain_events: domain,
    parked_count: counters.parked,
  };
  return {
    topic,
    key: Buffer.from(JSON.stringify({ id })),
    value: Buffer.from(JSON.stringify(value)),
    headers: [],
    part: 0,
  };
}
