import { encode, relationForTests } from '@diptych/pgoutput/encode-for-tests';
import type { Transaction, TransactionEnd } from '@diptych/transaction/transaction';
import { lsn, xid } from '@diptych/wal/lsn';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeEnd, writeEnd } from './end.ts';
import { publishForTests } from './publish-for-tests.ts';
import { TransactionCounters } from './transaction-counters.ts';

const transaction: Transaction = {
  xid: xid(4_000_000_757),
  commitLsn: lsn(0x16b374d8n),
  commitTimeUs: 1_795_246_912_669_491n,
  previousCommitEndLsn: null,
  origin: null,
};
const id = '4000000757:380859608';

test('END says what the transaction consisted of, as its change events count', () => {
  const { commitLsn, commitTimeUs } = transaction;
  const items = relationForTests({ oid: 1 });
  const carts = relationForTests({ oid: 2, table: 'carts' });
  const session = [
    encode.relation(items),
    encode.relation(carts),
    encode.begin({ commitLsn, commitTimeUs, xid: transaction.xid }),
    encode.insert(1, ['1', 'a']),
    encode.insert(2, ['1', 'a']),
    encode.delete(1, { part: 'K', row: ['1', null] }),
    encode.commit({ commitLsn, commitEndLsn: commitLsn + 48n, commitTimeUs }),
  ];
  const records = publishForTests(session.map((bytes) => ({ lsn: commitLsn, bytes })));
  const orders = records.flatMap(({ value }) => JSON.parse(String(value))?.transaction ?? []);
  expect(orders).toEqual([
    { id, total_order: 1, data_collection_order: 1 },
    { id, total_order: 2, data_collection_order: 1 },
    { id, total_order: 3, data_collection_order: 2 },
  ]);
  const end = records.at(-1);
  expect(end).toMatchObject({ topic: 'p.transaction', part: 0, headers: [] });
  expect(String(end?.key)).toBe(`{"id":"${id}"}`);
  expect(JSON.parse(String(end?.value))).toEqual({
    status: 'END',
    id,
    ts_ms: 1_795_246_912_669,
    event_count: 3,
    data_collections: [
      { data_collection: 'public.cart_items', event_count: 2 },
      { data_collection: 'public.carts', event_count: 1 },
    ],
    domain_event_count: 0,
    domain_events: [],
    parked_count: 0,
  });
});

test('END counts domain events by topic and type, and what was parked', () => {
  const counters = new TransactionCounters(transaction);
  expect(counters.isEmpty).toBe(true);
  counters.countDomainEvent('outbox.event.cart', 'ItemAdded');
  counters.countDomainEvent('outbox.event.cart', 'Cart "Checked" Out');
  counters.countDomainEvent('outbox.event.cart', 'ItemAdded');
  counters.countParked();
  expect(counters.isEmpty).toBe(false);
  const end = encodeEnd(
    { tag: 'end', transaction, commitEndLsn: lsn(0x16b37500n), rawMessages: 4 },
    { counters, topic: 'p.transaction' },
  );
  expect(JSON.parse(String(end.value))).toMatchObject({
    event_count: 0,
    data_collections: [],
    domain_event_count: 3,
    domain_events: [
      { topic: 'outbox.event.cart', event_type: 'ItemAdded', event_count: 2 },
      { topic: 'outbox.event.cart', event_type: 'Cart "Checked" Out', event_count: 1 },
    ],
    parked_count: 1,
  });
});

test('a transaction of which nothing came has no END', () => {
  const { commitLsn, commitTimeUs } = transaction;
  const session = [
    encode.begin({ commitLsn, commitTimeUs, xid: transaction.xid }),
    encode.message({ transactional: true, lsn: commitLsn, prefix: 'p', content: Buffer.from('c') }),
    encode.commit({ commitLsn, commitEndLsn: commitLsn + 48n, commitTimeUs }),
  ];
  expect(publishForTests(session.map((bytes) => ({ lsn: commitLsn, bytes })))).toEqual([]);
});

test('END is of its own transaction, whatever kinds of transactions came before', () => {
  const change = fc.constantFrom('public.carts', 'public."Odd"', 'public.cart_items');
  const event = fc.tuple(fc.constantFrom('cart', 'order'), fc.constantFrom('Added', 'Cart "Checked" Out'));
  const made = fc.record({
    changes: fc.array(change, { maxLength: 6 }),
    events: fc.array(event, { maxLength: 4 }),
    parked: fc.nat(2),
  });
  fc.assert(
    fc.property(fc.array(made, { minLength: 20, maxLength: 40 }), (transactions) => {
      for (const { changes, events, parked } of transactions) {
        const counters = new TransactionCounters(transaction);
        for (const collection of changes) counters.countChange(collection);
        for (const [topic, type] of events) counters.countDomainEvent(topic, type);
        for (let left = parked; left > 0; left -= 1) counters.countParked();
        const end: TransactionEnd = {
          ...{ tag: 'end', transaction, commitEndLsn: lsn(transaction.commitLsn + 48n) },
          rawMessages: changes.length + events.length,
        };
        const options = { counters, topic: 'p.transaction' };
        const json = JSON.parse(String(encodeEnd(end, options).value));
        const count = <T>(all: readonly T[]) => Map.groupBy(all, String).values();
        expect(json).toEqual({
          ...{ status: 'END', id, ts_ms: 1_795_246_912_669, event_count: changes.length },
          data_collections: [...count(changes)].map((alike) => ({
            data_collection: alike[0],
            event_count: alike.length,
          })),
          domain_event_count: events.length,
          domain_events: [...count(events)].map((alike) => ({
            ...{ topic: alike[0]?.[0], event_type: alike[0]?.[1], event_count: alike.length },
          })),
          parked_count: parked,
        });
        const written = writeEnd(end, options);
        expect(written?.bytes.toString('utf8', written.keyEnd, written.end)).toBe(JSON.stringify(json));
      }
    }),
  );
});
