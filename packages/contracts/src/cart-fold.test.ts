import { describe, expect, test } from 'vitest';
import { type CartEvent, readCartEvent } from './cart-events.ts';
import { evolve, fold } from './cart-fold.ts';
import { totalsOf } from './cart-state.ts';
import { money, nothing } from './money.ts';

const told = {
  cartId: 101,
  actor: 'customer',
  totals: { subtotal: nothing, discount: nothing, total: nothing },
};
const banana = { sku: 'banana', name: 'Banana', unitPrice: money('1.00') };
const apple = { sku: 'apple', name: 'Apple', unitPrice: money('1.50') };
const mango = { sku: 'mango', name: 'Mango', unitPrice: money('2.00') };

const workedExample: readonly CartEvent[] = [
  { type: 'CartOpened', payload: told },
  { type: 'ItemAdded', payload: { ...told, ...banana, quantity: 1, quantityInCart: 1 } },
  { type: 'ItemAdded', payload: { ...told, ...apple, quantity: 1, quantityInCart: 1 } },
  { type: 'ItemAdded', payload: { ...told, ...banana, quantity: 1, quantityInCart: 2 } },
  { type: 'ItemRemoved', payload: { ...told, ...apple, quantity: 1 } },
  { type: 'DiscountApplied', payload: { ...told, code: 'two-bananas', amount: money('-0.10') } },
  { type: 'ItemAdded', payload: { ...told, ...mango, quantity: 1, quantityInCart: 1 } },
  { type: 'CartCheckedOut', payload: { ...told, lines: [], discounts: [] } },
];

describe('folding the events of a cart', () => {
  test('cart 101 ends as two bananas and a mango for 3.90, and no row tells of the apple', () => {
    const cart = fold(workedExample);
    expect(cart).toEqual({
      cartId: 101,
      status: 'checked-out',
      version: 8,
      lines: [
        { ...banana, quantity: 2 },
        { ...mango, quantity: 1 },
      ],
      discounts: [{ code: 'two-bananas', amount: '-0.10' }],
    });
    expect(cart && totalsOf(cart)).toEqual({ subtotal: '4.00', discount: '-0.10', total: '3.90' });
  });

  test('a cart without a known beginning stays unknown', () => {
    expect(fold(workedExample.slice(1))).toBeUndefined();
    expect(fold([])).toBeUndefined();
  });

  test('a changed quantity replaces, a revoked discount goes, an abandoned cart is over', () => {
    const cart = fold([
      ...workedExample.slice(0, 6),
      { type: 'QuantityChanged', payload: { ...told, ...banana, previousQuantity: 2, quantity: 1 } },
      {
        type: 'DiscountRevoked',
        payload: {
          ...told,
          code: 'two-bananas',
          amount: money('-0.10'),
          requires: { sku: 'banana', quantity: 2 },
        },
      },
      { type: 'CartAbandoned', payload: { ...told, lines: [], discounts: [] } },
    ]);
    expect(cart).toMatchObject({ status: 'abandoned', version: 9, discounts: [] });
    expect(cart?.lines).toEqual([{ ...banana, quantity: 1 }]);
  });

  test('drift is not healed: what an event added counts, not what it says is there now', () => {
    const opened = fold(workedExample.slice(0, 1));
    const cart = evolve(opened, {
      type: 'ItemAdded',
      payload: { ...told, ...banana, quantity: 1, quantityInCart: 7 },
    });
    expect(cart?.lines).toEqual([{ ...banana, quantity: 1 }]);
  });
});

describe('reading an event of the topic', () => {
  const [, added] = workedExample;

  test('an event survives the way through JSON', () => {
    for (const event of workedExample.slice(0, -1)) {
      expect(readCartEvent({ type: event.type, payload: JSON.parse(JSON.stringify(event.payload)) })).toEqual(
        {
          ok: true,
          event,
        },
      );
    }
  });

  test('a field of a later version is left out, not refused', () => {
    const payload = { ...added?.payload, gift: true, totals: { ...told.totals, tax: '0.00' } };
    expect(readCartEvent({ type: 'ItemAdded', payload })).toEqual({ ok: true, event: added });
  });

  test('an unknown type and an unreadable payload are told apart, and no value is quoted', () => {
    expect(readCartEvent({ type: 'CartStolen', payload: {} })).toMatchObject({
      ok: false,
      reason: 'type-unknown',
    });
    expect(readCartEvent({ type: 'toString', payload: {} })).toMatchObject({
      ok: false,
      reason: 'type-unknown',
    });
    const wrong = readCartEvent({ type: 'ItemAdded', payload: { ...added?.payload, unitPrice: 'secret' } });
    expect(wrong).toMatchObject({ ok: false, reason: 'payload-invalid' });
    expect(JSON.stringify(wrong)).toContain('payload.unitPrice');
    expect(JSON.stringify(wrong)).not.toContain('secret');
  });
});
