import type { Transaction } from '@diptych/transaction/transaction';
import { lsn, xid } from '@diptych/wal/lsn';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ParkingCounters } from './parking-counters.ts';

const transaction = (number: number): Transaction => ({
  xid: xid(number),
  commitLsn: lsn(BigInt(number) * 1000n),
  commitTimeUs: 0n,
  previousCommitEndLsn: null,
  origin: null,
});

const table = fc.constantFrom('public.carts', 'public.cart_items');
type Counting = (counters: ParkingCounters) => void;
const counting: fc.Arbitrary<Counting> = fc.oneof(
  table.map(
    (name): Counting =>
      (counters) =>
        void counters.countChange(name),
  ),
  table.map(
    (name): Counting =>
      (counters) => {
        counters.countChange(name);
        counters.countParked();
        counters.parkChange(name);
      },
  ),
  fc.constantFrom('ItemAdded', 'Opened').map(
    (type): Counting =>
      (counters) => {
        counters.countDomainEvent('outbox.event.cart', type);
      },
  ),
  fc.constantFrom('till 3', 'till 4').map(
    (writer): Counting =>
      (counters) => {
        const content = Buffer.from(JSON.stringify({ actor: writer }));
        counters.noteContext({
          tag: 'message',
          transactional: true,
          lsn: lsn(1n),
          prefix: 'diptych.context',
          content,
        });
      },
  ),
);

const told = (counters: ParkingCounters) => ({
  id: counters.id,
  isEmpty: counters.isEmpty,
  changes: counters.changes,
  parked: counters.parked,
  domainEvents: counters.domainEvents,
  context: counters.context,
  collections: counters.collections().map(({ name, count }) => [name, count]),
  domain: counters.domain().map(({ topic, name, count }) => [topic, name, count]),
});

test('counters of one transaction after the other count what new ones would', () => {
  fc.assert(
    fc.property(fc.array(fc.array(counting, { maxLength: 6 }), { minLength: 2, maxLength: 5 }), (all) => {
      const counters = new ParkingCounters(transaction(1));
      for (const [index, countings] of all.entries()) {
        const fresh = new ParkingCounters(transaction(index + 2));
        counters.begin(transaction(index + 2));
        for (const count of countings) {
          count(counters);
          count(fresh);
        }
        expect(told(counters)).toEqual(told(fresh));
      }
    }),
  );
});
