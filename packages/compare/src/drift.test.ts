import { describe, expect, test } from 'vitest';
import { cartMapping } from './cart-mapping.ts';
import { DriftFinder, type DriftReport } from './drift.ts';
import { joinedForTests } from './joined-for-tests.ts';
import type { TestTransaction } from './panels-for-tests.ts';
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

describe('drift', () => {
  test('the worked example is the same cart in both panels', () => {
    expect(driftOf(workedExample)).toEqual({ drifted: [], unproven: [], agreed: 1 });
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
    expect(driftOf([...start, legacyWrite(10), repaired])).toEqual({ drifted: [], unproven: [], agreed: 1 });
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

test('aggregates are bounded', () => {
  const finder = new DriftFinder(cartMapping, { aggregatesMax: 0 });
  expect(() => joinedForTests(workedExample).map((one) => finder.add(one))).toThrow('more than 0 aggregates');
});
