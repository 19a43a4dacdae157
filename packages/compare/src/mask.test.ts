import { expect, test } from 'vitest';
import { joinedForTests } from './joined-for-tests.ts';
import { Mask } from './mask.ts';
import { cartEvent, cartRow, itemRow, products } from './worked-example-for-tests.ts';

const masks = {
  tables: { 'public.cart_items': ['unit_price', 'sku', 'name'], 'public.carts': ['total'] },
  events: { cart: ['unitPrice', 'lines.name', 'note'] },
};

test('what is masked is gone from rows, keys and payloads, and equal values stay equal', () => {
  const [transaction] = joinedForTests([
    {
      at: 1,
      changes: [
        itemRow('c', products.banana),
        cartRow('u', { total: '9.90', subtotal: '1.00' }),
        cartRow('u'),
      ],
      events: [
        cartEvent('ItemAdded', 2, {
          unitPrice: '1.00',
          lines: [{ name: 'Banana' }, { name: null }],
          kept: 'Mango',
        }),
      ],
    },
  ]);
  if (!transaction) throw new Error('it is whole');
  const item = new Mask(masks, 'key').item({ tag: 'transaction', transaction });
  const other = new Mask(masks, 'another key').item({ tag: 'transaction', transaction });
  if (item.tag !== 'transaction' || other.tag !== 'transaction') throw new Error('it stays a transaction');
  const { changes, domainEvents } = item.transaction;
  expect(JSON.stringify([changes, domainEvents[0]?.payload])).not.toMatch(/banana|9\.90/i);
  const [line, cart, bare] = changes;
  expect(line?.key?.sku).toBe(line?.after?.sku);
  expect(line?.after?.unit_price).toMatch(/^masked:[0-9a-f]{12}$/);
  expect(cart?.after).toMatchObject({ subtotal: '1.00', status: 'open' });
  expect(bare?.after?.total).toBeNull();
  // The event spells the same amount.
  expect(domainEvents[0]?.payload).toMatchObject({
    unitPrice: line?.after?.unit_price,
    lines: [{ name: expect.stringMatching(/^masked:/) }, { name: null }],
    kept: 'Mango',
  });
  // Without the key nobody finds out by trying.
  expect(other.transaction.changes[0]?.after?.sku).not.toBe(line?.after?.sku);
  // What is no object may hold anything.
  const text = {
    ...transaction,
    domainEvents: domainEvents.map((event) => ({ ...event, payload: 'Banana' })),
  };
  const hidden = new Mask(masks, 'key').item({ tag: 'transaction', transaction: text });
  expect(
    JSON.stringify(hidden.tag === 'transaction' && hidden.transaction.domainEvents[0]?.payload),
  ).not.toContain('Banana');
});
