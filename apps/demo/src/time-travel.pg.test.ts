import { cartUnderTest } from '@diptych/cart-app/cart-under-test';
import { expect, test } from 'vitest';
import { openCart, shop, workedExample } from './shopper.ts';
import { timeTravel } from './time-travel.ts';

test('cart 101 is told step by step, alike for both carts: the apple came and went', async () => {
  const cart = await cartUnderTest();
  try {
    const told: string[][] = [];
    for (const carts of ['/carts', '/es/carts'] as const) {
      await shop(cart.url, { cartId: await openCart(cart.url, carts), steps: workedExample, carts });
      told.push(await timeTravel(cart.url, `${carts}/101`));
    }
    const [ofRows = [], ofEvents = []] = told.map((lines) =>
      lines.slice(1).map((line) => line.replace(/ \(transaction \d+\)$/, '').replaceAll(/ {2,}/g, '  ')),
    );
    expect(ofEvents).toEqual(ofRows);
    expect(ofRows).toEqual([
      ' 1  CartOpened  empty: 0.00  customer',
      ' 2  ItemAdded 1 × banana  1 × banana: 1.00  customer',
      ' 3  ItemAdded 1 × apple  1 × apple, 1 × banana: 2.50  customer',
      ' 4  ItemAdded 1 × banana  1 × apple, 2 × banana: 3.50  customer',
      ' 5  ItemRemoved 1 × apple  2 × banana: 2.00  customer: has a bruise',
      ' 6  DiscountApplied two-bananas  2 × banana: 1.90  customer',
      ' 7  ItemAdded 1 × mango  2 × banana, 1 × mango: 3.90  customer',
      ' 8  CartCheckedOut  2 × banana, 1 × mango: 3.90, checked-out  customer',
    ]);
  } finally {
    await cart.close();
  }
});
