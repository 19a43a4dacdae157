import { describe, expect, test } from 'vitest';
import { cartMapping } from './cart-mapping.ts';
import { DriftFinder, type DriftReport } from './drift.ts';
import { joinedForTests } from './joined-for-tests.ts';
import type { JoinedItem } from './joined-transaction.ts';
import { type TestTransaction, testIdentity } from './panels-for-tests.ts';
import {
  cartEvent,
  cartRow,
  itemRow,
  legacyWrite,
  products,
  workedExample,
} from './worked-example-for-tests.ts';

function driftOf(transactions: readonly TestTransaction[]): DriftReport {
  const finder = new DriftFinder(cartMapping);
  for (const transaction of joinedForTests(transactions)) finder.add(transaction);
  return finder.report();
}

const nothing = { drifted: [], unproven: [], agreed: 0, driftedCount: 0, unprovenCount: 0 };

describe('drift', () => {
  test('the worked example is the same cart in both panels', () => {
    expect(driftOf(workedExample)).toEqual({ ...nothing, agreed: 1 });
  });

  test('a legacy write makes its cart drift, from that transaction on, with both sides shown', () => {
    const spaced = workedExample.map((one) => ({ ...one, at: one.at * 2 }));
    const report = driftOf([...spaced.slice(0, 4), legacyWrite(9), ...spaced.slice(4)]);
    expect(report.unproven).toEqual([]);
    expect(report.drifted).toMatchObject([
      {
        id: '101',
        since: { xid: 1009 },
        events: { status: 'open', 'line banana': '2 × 1.00', 'line apple': '1 × 1.50', total: '3.50' },
        rows: { status: 'open', 'line banana': '5 × 1.00', 'line apple': '1 × 1.50', total: '6.50' },
        differences: [
          { fact: 'line banana', events: '2 × 1.00', rows: '5 × 1.00' },
          { fact: 'total', events: '3.50', rows: '6.50' },
        ],
      },
    ]);
  });

  test('a cart that agrees again at the end has not drifted; parting anew counts from there', () => {
    const [opened, banana] = workedExample;
    const start = [opened, banana].filter((one) => one !== undefined);
    const repaired = { at: 11, changes: [itemRow('u', products.banana, 1)] };
    expect(driftOf([...start, legacyWrite(10), repaired])).toEqual({ ...nothing, agreed: 1 });
    expect(
      driftOf([...start, legacyWrite(10), repaired, legacyWrite(12), legacyWrite(13)]).drifted,
    ).toMatchObject([{ since: { xid: 1012 } }]);
  });

  test('an event whose rows are missing is drift as well', () => {
    const [opened] = workedExample;
    const added = cartEvent('ItemAdded', 2, { ...products.banana, quantity: 1, quantityInCart: 1 });
    expect(driftOf([...(opened ? [opened] : []), { at: 2, events: [added] }]).drifted).toMatchObject([
      { differences: [{ fact: 'line banana', events: '1 × 1.00', rows: null }, { fact: 'total' }] },
    ]);
  });

  test('a cart that legacy SQL made is drift: rows that events never built', () => {
    expect(driftOf([{ at: 1, changes: [cartRow('c')] }]).drifted).toMatchObject([
      { id: '101', events: null, rows: { status: 'open', total: '0.00' } },
    ]);
  });

  test('a truncate empties every cart', () => {
    expect(
      driftOf([...workedExample, { at: 20, changes: [{ table: 'cart_items', op: 't' }] }]).drifted,
    ).toMatchObject([
      {
        since: { xid: 1020 },
        differences: [
          { fact: 'line banana', rows: null },
          { fact: 'line mango', rows: null },
        ],
      },
    ]);
  });

  test('a total beyond what money holds is compared, not refused', () => {
    const dear = { ...products.banana, unitPrice: '9999999999.99' as '1.00' };
    const [opened] = workedExample;
    const report = driftOf([...(opened ? [opened] : []), { at: 2, changes: [itemRow('c', dear, 999)] }]);
    expect(report.drifted[0]?.rows).toMatchObject({ total: '9989999999990.01' });
  });
});

describe('unproven', () => {
  test('a cart whose first events were not seen', () => {
    expect(driftOf(workedExample.slice(2)).unproven).toMatchObject([
      { id: '101', reason: 'beginning-unseen' },
    ]);
    expect(driftOf([legacyWrite(1)]).unproven).toMatchObject([{ id: '101', reason: 'beginning-unseen' }]);
  });

  test('a cart with an event or a row that cannot be read', () => {
    const [opened] = workedExample;
    const start = opened ? [opened] : [];
    expect(driftOf([...start, { at: 2, events: [cartEvent('CartStolen', 2)] }])).toMatchObject({
      drifted: [],
      unproven: [{ reason: 'event-unreadable' }],
    });
    const encoded = { ...products.banana, unitPrice: 'AGQ=' as '1.00' };
    expect(driftOf([...start, { at: 2, changes: [itemRow('c', encoded)] }])).toMatchObject({
      drifted: [],
      unproven: [{ reason: 'row-unreadable' }],
    });
  });
});

describe('a joint baseline', () => {
  const baseline = (table: string, key: object, row: object): JoinedItem => ({
    tag: 'baseline',
    row: {
      topic: `diptych.public.${table}`,
      schema: 'public',
      table,
      key: { ...key },
      row: { ...row },
      snapshot: 's1',
    },
  });
  const taking = (items: readonly JoinedItem[]): DriftReport => {
    const finder = new DriftFinder(cartMapping);
    for (const item of items) finder.take(item);
    return finder.report();
  };
  const [opened, banana, ...rest] = joinedForTests([...workedExample, legacyWrite(9)]).map(
    (transaction): JoinedItem => ({ tag: 'transaction', transaction }),
  );
  const eventsAlone = ([opened, banana] as const).flatMap((item) =>
    item?.tag === 'transaction' ? [{ ...item, transaction: { ...item.transaction, changes: [] } }] : [],
  );
  const readCart = baseline('carts', { id: 101 }, { id: 101, status: 'open', total: null });
  const readItem = (quantity: number) =>
    baseline(
      'cart_items',
      { cart_id: 101, sku: 'banana' },
      { cart_id: 101, sku: 'banana', quantity, unit_price: '1.00' },
    );

  test('is where rows that a snapshot read meet the state of all events: from there on a cart can drift', () => {
    expect(taking([...eventsAlone, readCart])).toMatchObject({ agreed: 0, unprovenCount: 1, drifted: [] });
    expect(taking([...eventsAlone, readCart, readItem(1)])).toMatchObject({ agreed: 1, unprovenCount: 0 });
    expect(taking([...eventsAlone, readCart, readItem(1), ...rest]).drifted).toMatchObject([
      { since: { xid: 1009 } },
    ]);
  });

  test('that never comes leaves a cart unproven, however it goes on', () => {
    const known = taking([...eventsAlone, readCart, readItem(2), ...rest.slice(0, 1)]);
    expect(known).toMatchObject({ drifted: [], unproven: [{ reason: 'beginning-unseen' }] });
  });
});

test('an event that was parked and is released later ends the drift that its absence was', () => {
  const parked = workedExample.map((one) => (one.at === 2 ? { ...one, events: [], parked: 1 } : one));
  const finder = new DriftFinder(cartMapping);
  for (const transaction of joinedForTests(parked.slice(0, 2))) finder.add(transaction);
  expect(finder.report().drifted).toMatchObject([{ since: { xid: 1002 } }]);
  const late = joinedForTests(workedExample)[1]?.domainEvents[0];
  const identity = testIdentity({ at: 2 });
  if (late) finder.take({ tag: 'released', identity, late: { tag: 'event', event: late } });
  expect(finder.report()).toMatchObject({ drifted: [], agreed: 1 });
});

test('saved and put back at any moment it finds the same', () => {
  const joined = joinedForTests([...workedExample, legacyWrite(9), legacyWrite(10)]);
  const undisturbed = new DriftFinder(cartMapping);
  for (const transaction of joined) undisturbed.add(transaction);
  for (let cut = 0; cut <= joined.length; cut += 1) {
    const first = new DriftFinder(cartMapping);
    for (const transaction of joined.slice(0, cut)) first.add(transaction);
    const second = new DriftFinder(cartMapping, { saved: JSON.parse(JSON.stringify(first.save())) });
    second.keyed.load(first.keyed.takeChanges().put);
    for (const transaction of joined.slice(cut)) second.add(transaction);
    expect(second.report()).toEqual(undisturbed.report());
  }
});

test('aggregates are bounded', () => {
  const finder = new DriftFinder(cartMapping, { aggregatesMax: 0 });
  expect(() => joinedForTests(workedExample).map((one) => finder.add(one))).toThrow('more than 0 aggregates');
});
