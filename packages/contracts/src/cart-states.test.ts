import { describe, expect, test } from 'vitest';
import { cartEventTypes, cartStatuses, transition } from './cart-states.ts';

describe('the cart state machine', () => {
  test('a cart begins with CartOpened and with nothing else', () => {
    for (const event of cartEventTypes) {
      expect(transition(undefined, event)).toEqual(
        event === 'CartOpened' ? { ok: true, next: 'open' } : { ok: false, reason: 'cart-not-found' },
      );
    }
  });

  test('an open cart is left by checkout or by abandoning, and is not opened again', () => {
    expect(transition('open', 'CartCheckedOut')).toEqual({ ok: true, next: 'checked-out' });
    expect(transition('open', 'CartAbandoned')).toEqual({ ok: true, next: 'abandoned' });
    expect(transition('open', 'CartOpened')).toEqual({ ok: false, reason: 'cart-already-open' });
  });

  test.each(['checked-out', 'abandoned'] as const)('nothing happens to a cart that is %s', (status) => {
    for (const event of cartEventTypes) {
      expect(transition(status, event)).toEqual({ ok: false, reason: `cart-${status}` });
    }
  });

  test('every state can be reached from the beginning', () => {
    const reached = new Set(
      [undefined, ...cartStatuses].flatMap((from) =>
        cartEventTypes.map((event) => transition(from, event)).flatMap((to) => (to.ok ? [to.next] : [])),
      ),
    );
    expect(reached).toEqual(new Set(cartStatuses));
  });
});
