import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, type CartUnderTest, cartUnderTest } from './cart-under-test.ts';

let cart: CartUnderTest;
const answers: Answer[] = [];

beforeAll(async () => {
  cart = await cartUnderTest();
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const say = async (...asked: Parameters<CartUnderTest['ask']>) => answers.push(await cart.ask(...asked));
  await say('POST /carts', { headers: { 'diptych-actor': 'clerk', traceparent } });
  await say('POST /carts/101/items', { body: { sku: 'banana' } });
  await say('POST /carts/101/items', { body: { sku: 'apple', quantity: 1 } });
  await say('POST /carts/101/items', { body: { sku: 'banana' } });
  await say('DELETE /carts/101/items/apple', { body: { reason: 'too sour' } });
  await say('POST /carts/101/discounts', { body: { code: 'two-bananas' } });
  await say('POST /carts/101/items', { body: { sku: 'mango' } });
  await say('POST /carts/101/checkout');
});
afterAll(() => cart?.close());

test('every step answers with the cart, its ETag and a commit token', () => {
  expect(answers.map(({ status }) => status)).toEqual([201, 200, 200, 200, 200, 200, 200, 200]);
  expect(answers.map(({ headers }) => headers.get('etag'))).toEqual(
    ['1', '2', '3', '4', '5', '6', '7', '8'].map((version) => `"${version}"`),
  );
  for (const { headers } of answers)
    expect(headers.get('diptych-commit')).toMatch(/^\d+@[0-9A-F]+\/[0-9A-F]+$/);
  expect(answers[0]?.headers.get('location')).toBe('/carts/101');
});

test('the cart ends as two bananas and one mango for 3.90', async () => {
  const expected = {
    id: 101,
    status: 'checked-out',
    version: 8,
    items: [
      { sku: 'banana', name: 'Banana', quantity: 2, unitPrice: '1.00', lineTotal: '2.00' },
      { sku: 'mango', name: 'Mango', quantity: 1, unitPrice: '2.00', lineTotal: '2.00' },
    ],
    discounts: [{ code: 'two-bananas', amount: '-0.10' }],
    totals: { subtotal: '4.00', discount: '-0.10', total: '3.90' },
  };
  expect(answers.at(-1)?.body).toEqual(expected);
  const read = await cart.ask('GET /carts/101');
  expect(read.body).toEqual(expected);
  expect(read.headers.get('etag')).toBe('"8"');
  expect(read.headers.has('diptych-commit')).toBe(false);
});

test('the rows hold the outcome and nothing of the apple', async () => {
  expect(await cart.query('select id, status, version, subtotal, discount, total from carts')).toEqual([
    { id: 101, status: 'checked-out', version: 8, subtotal: '4.00', discount: '-0.10', total: '3.90' },
  ]);
  expect(await cart.query('select sku, quantity, unit_price from cart_items order by sku')).toEqual([
    { sku: 'banana', quantity: 2, unit_price: '1.00' },
    { sku: 'mango', quantity: 1, unit_price: '2.00' },
  ]);
  expect(await cart.query('select code, amount from cart_discounts')).toEqual([
    { code: 'two-bananas', amount: '-0.10' },
  ]);
});

test('the outbox tells all eight steps, versions 1 to 8 without a gap, in the transactions of their rows', async () => {
  const events = await cart.query(
    `select aggregatetype, aggregateid, aggregateversion::int as version, type, typeversion, xid::text as xid
     from outbox order by aggregateversion`,
  );
  const types = [
    'CartOpened',
    'ItemAdded',
    'ItemAdded',
    'ItemAdded',
    'ItemRemoved',
    'DiscountApplied',
    'ItemAdded',
    'CartCheckedOut',
  ];
  expect(events).toEqual(
    types.map((type, index) => ({
      aggregatetype: 'cart',
      aggregateid: '101',
      version: index + 1,
      type,
      typeversion: 1,
      xid: answers[index]?.headers.get('diptych-commit')?.split('@')[0],
    })),
  );
  expect(await cart.query('select aggregatetype, aggregateid, version::int from outbox_heads')).toEqual([
    { aggregatetype: 'cart', aggregateid: '101', version: 8 },
  ]);
});

test('actor, reason and trace context are told', async () => {
  const told = await cart.query(
    `select type, payload->>'actor' as actor, payload->>'reason' as reason, headers from outbox
     where aggregateversion in (1, 5) order by aggregateversion`,
  );
  expect(told).toEqual([
    {
      type: 'CartOpened',
      actor: 'clerk',
      reason: null,
      headers: { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' },
    },
    { type: 'ItemRemoved', actor: 'customer', reason: 'too sour', headers: {} },
  ]);
});

test('the last event is enough to ship and to bill', async () => {
  const [last] = await cart.query('select payload from outbox where aggregateversion = 8');
  expect(last?.payload).toEqual({
    cartId: 101,
    actor: 'customer',
    lines: [
      { sku: 'banana', name: 'Banana', quantity: 2, unitPrice: '1.00', lineTotal: '2.00' },
      { sku: 'mango', name: 'Mango', quantity: 1, unitPrice: '2.00', lineTotal: '2.00' },
    ],
    discounts: [{ code: 'two-bananas', amount: '-0.10' }],
    totals: { subtotal: '4.00', discount: '-0.10', total: '3.90' },
  });
});
