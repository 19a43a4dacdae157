import { expect, test } from 'vitest';
import { DriftFinder, type DriftReport } from './drift.ts';
import { joinedForTests } from './joined-for-tests.ts';
import { parseMappings } from './mapping-file.ts';
import type { TestTransaction } from './panels-for-tests.ts';

const file = {
  aggregates: [
    {
      aggregateType: 'order',
      table: 'public.orders',
      key: 'id',
      fields: {
        status: { column: 'status', events: { OrderPlaced: 'placed', OrderPaid: 'paid' } },
        total: { column: 'total', payload: 'amounts.total', as: 'decimal' },
      },
      ends: ['OrderErased'],
      parts: [
        {
          table: 'public.order_lines',
          key: 'order_id',
          each: { column: 'sku', member: 'product' },
          value: { column: 'quantity', member: 'count' },
          payload: 'lines',
        },
      ],
    },
  ],
};

function driftOf(transactions: readonly TestTransaction[]): DriftReport {
  const [mapping] = parseMappings(JSON.stringify(file));
  if (!mapping) throw new Error('no mapping');
  const finder = new DriftFinder(mapping);
  for (const transaction of joinedForTests(transactions)) finder.add(transaction);
  return finder.report();
}

const event = (type: string, aggregateVersion: number, payload: object) => ({
  ...{ type, aggregateVersion, payload },
  ...{ key: '7', aggregateType: 'order' },
});
const order = (op: 'c' | 'u', columns: object) => ({
  table: 'orders',
  op,
  key: { id: 7 },
  after: { id: 7, ...columns },
});
const line = (sku: string, quantity: number) => ({
  table: 'order_lines',
  op: 'c' as const,
  key: { order_id: 7, sku },
  after: { order_id: 7, sku, quantity },
});
const placed: TestTransaction = {
  at: 1,
  changes: [order('c', { status: 'placed', total: '9.90' }), line('tea', 2)],
  events: [event('OrderPlaced', 1, { amounts: { total: 9.9 }, lines: [{ product: 'tea', count: 2 }] })],
};

test('a declared aggregate is compared by its fields and its parts', () => {
  const paid = {
    at: 2,
    changes: [order('u', { status: 'paid', total: '9.90' })],
    events: [event('OrderPaid', 2, {})],
  };
  expect(driftOf([placed, paid])).toMatchObject({ agreed: 1, drifted: [] });
  const silent = { at: 3, changes: [order('u', { status: 'paid', total: '8.00' }), line('milk', 1)] };
  expect(driftOf([placed, paid, silent]).drifted).toMatchObject([
    {
      aggregateType: 'order',
      id: '7',
      since: { xid: 1003 },
      differences: [
        { fact: 'public.order_lines milk', events: null, rows: '1' },
        { fact: 'total', events: '9.9', rows: '8' },
      ],
    },
  ]);
});

test('an event that ends it leaves nothing behind', () => {
  const gone = [{ table: 'orders', op: 'd' as const, key: { id: 7 } }];
  expect(driftOf([placed, { at: 2, changes: gone, events: [event('OrderErased', 2, {})] }])).toMatchObject({
    agreed: 1,
  });
  expect(driftOf([placed, { at: 2, changes: gone }]).drifted).toMatchObject([{ id: '7', rows: null }]);
});

test('a file that is none is refused by the place of what is wrong', () => {
  const wrong = { aggregates: [{ ...file.aggregates[0], fields: { status: { column: 'status' } } }] };
  expect(() => parseMappings(JSON.stringify(wrong))).toThrow('what an event says of it');
  expect(() => parseMappings('{"aggregates": [{}]}')).toThrow('aggregateType');
});
