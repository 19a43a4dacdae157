/** Cart 101 of the worked example as transactions in both panels, for tests. */
import type { TestChange, TestEvent, TestTransaction } from './panels-for-tests.ts';

const totals = { subtotal: '0.00', discount: '0.00', total: '0.00' };

export const products = {
  banana: { sku: 'banana', name: 'Banana', unitPrice: '1.00' },
  apple: { sku: 'apple', name: 'Apple', unitPrice: '1.50' },
  mango: { sku: 'mango', name: 'Mango', unitPrice: '2.00' },
} as const;

type Product = (typeof products)[keyof typeof products];

/** An event of cart 101. */
export function cartEvent(type: string, version: number, payload: object = {}): TestEvent {
  return { type, aggregateVersion: version, payload: { cartId: 101, actor: 'customer', totals, ...payload } };
}

/** A change of the cart's own row. */
export function cartRow(op: 'c' | 'u', columns: object = {}): TestChange {
  const row = { id: 101, status: 'open', subtotal: null, discount: null, total: null, ...columns };
  return { table: 'carts', op, key: { id: 101 }, after: row };
}

/** A change of one of its items. */
export function itemRow(op: 'c' | 'u' | 'd', { sku, name, unitPrice }: Product, quantity = 1): TestChange {
  const key = { cart_id: 101, sku };
  if (op === 'd') return { table: 'cart_items', op, key, before: key };
  return { table: 'cart_items', op, key, after: { ...key, name, quantity, unit_price: unitPrice } };
}

const added = (version: number, product: Product, quantityInCart: number): TestEvent =>
  cartEvent('ItemAdded', version, { ...product, quantity: 1, quantityInCart });

/** Two bananas, an apple that came and went, a discount, a mango; checked out for 3.90. */
export const workedExample: readonly TestTransaction[] = [
  { at: 1, changes: [cartRow('c')], events: [cartEvent('CartOpened', 1)] },
  { at: 2, changes: [itemRow('c', products.banana), cartRow('u')], events: [added(2, products.banana, 1)] },
  { at: 3, changes: [itemRow('c', products.apple), cartRow('u')], events: [added(3, products.apple, 1)] },
  {
    at: 4,
    changes: [itemRow('u', products.banana, 2), cartRow('u')],
    events: [added(4, products.banana, 2)],
  },
  {
    at: 5,
    changes: [itemRow('d', products.apple), cartRow('u')],
    events: [cartEvent('ItemRemoved', 5, { ...products.apple, quantity: 1 })],
  },
  {
    at: 6,
    changes: [
      {
        table: 'cart_discounts',
        op: 'c',
        key: { cart_id: 101, code: 'two-bananas' },
        after: { cart_id: 101, code: 'two-bananas', amount: '-0.10' },
      },
      cartRow('u'),
    ],
    events: [cartEvent('DiscountApplied', 6, { code: 'two-bananas', amount: '-0.10' })],
  },
  { at: 7, changes: [itemRow('c', products.mango), cartRow('u')], events: [added(7, products.mango, 1)] },
  {
    at: 8,
    changes: [cartRow('u', { status: 'checked-out', subtotal: '4.00', discount: '-0.10', total: '3.90' })],
    events: [
      cartEvent('CartCheckedOut', 8, {
        lines: [
          { ...products.banana, quantity: 2, lineTotal: '2.00' },
          { ...products.mango, quantity: 1, lineTotal: '2.00' },
        ],
        discounts: [{ code: 'two-bananas', amount: '-0.10' }],
        totals: { subtotal: '4.00', discount: '-0.10', total: '3.90' },
      }),
    ],
  },
];

/** Plain SQL on the banana's row, without an event. */
export const legacyWrite = (at: number): TestTransaction => ({
  at,
  changes: [itemRow('u', products.banana, 5)],
});
