import { type CartEvent, cartEventSchemas } from '@diptych/contracts/cart-events';
import { evolve, fold } from '@diptych/contracts/cart-fold';
import { type CartState, totalsOf } from '@diptych/contracts/cart-state';
import { money } from '@diptych/contracts/money';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CartCommand, type Decision, decide, type Product, type Told } from './decide.ts';
import { discountCatalogue, findDiscount } from './discount-catalogue.ts';

const told: Told = { cartId: 101, actor: 'customer' };
const banana: Product = { sku: 'banana', name: 'Banana', unitPrice: money('1.00') };
const apple: Product = { sku: 'apple', name: 'Apple', unitPrice: money('1.50') };
const mango: Product = { sku: 'mango', name: 'Mango', unitPrice: money('2.00') };
const twoBananas = findDiscount('two-bananas');

/** Runs commands from nothing; a refused one changes nothing. */
function run(commands: readonly CartCommand[]): {
  cart: CartState | undefined;
  events: CartEvent[];
  last: Decision;
} {
  let cart: CartState | undefined;
  let last: Decision = { ok: true, events: [] };
  const events: CartEvent[] = [];
  for (const command of commands) {
    last = decide(cart, command, told);
    if (!last.ok) continue;
    for (const event of last.events) cart = evolve(cart, event);
    events.push(...last.events);
  }
  return { cart, events, last };
}

const open: CartCommand = { tag: 'open' };
const add = (product: Product, quantity = 1): CartCommand => ({ tag: 'add-item', product, quantity });
const typesOf = (events: readonly CartEvent[]) => events.map(({ type }) => type);

describe('deciding commands on a cart', () => {
  test('the worked example: two bananas and a mango for 3.90, told by eight events', () => {
    const { cart, events } = run([
      open,
      add(banana),
      add(apple),
      add(banana),
      { tag: 'remove-item', sku: 'apple' },
      { tag: 'apply-discount', discount: twoBananas },
      add(mango),
      { tag: 'check-out' },
    ]);
    expect(typesOf(events)).toEqual([
      'CartOpened',
      'ItemAdded',
      'ItemAdded',
      'ItemAdded',
      'ItemRemoved',
      'DiscountApplied',
      'ItemAdded',
      'CartCheckedOut',
    ]);
    expect(events.at(-1)?.payload).toEqual({
      cartId: 101,
      actor: 'customer',
      lines: [
        { ...banana, quantity: 2, lineTotal: '2.00' },
        { ...mango, quantity: 1, lineTotal: '2.00' },
      ],
      discounts: [{ code: 'two-bananas', amount: '-0.10' }],
      totals: { subtotal: '4.00', discount: '-0.10', total: '3.90' },
    });
    expect(cart?.status).toBe('checked-out');
  });

  test('removing below what a discount requires revokes it, and so does a smaller quantity', () => {
    const discounted = [open, add(banana, 2), { tag: 'apply-discount', discount: twoBananas } as const];
    const removed = run([...discounted, { tag: 'remove-item', sku: 'banana' }]);
    expect(typesOf(removed.events.slice(3))).toEqual(['ItemRemoved', 'DiscountRevoked']);
    expect(removed.events.at(-1)?.payload.totals).toEqual({
      subtotal: '0.00',
      discount: '0.00',
      total: '0.00',
    });
    const fewer = run([...discounted, { tag: 'change-quantity', sku: 'banana', quantity: 1 }]);
    expect(typesOf(fewer.events.slice(3))).toEqual(['QuantityChanged', 'DiscountRevoked']);
    expect(fewer.cart?.discounts).toEqual([]);
    const enough = run([...discounted, { tag: 'change-quantity', sku: 'banana', quantity: 3 }]);
    expect(typesOf(enough.events.slice(3))).toEqual(['QuantityChanged']);
  });

  test('what is in the cart keeps its price when the catalogue changes', () => {
    const { cart } = run([open, add(banana), add({ ...banana, unitPrice: money('9.00') })]);
    expect(cart?.lines).toEqual([{ ...banana, quantity: 2 }]);
  });

  test('a quantity that already is as wanted is neither refused nor told', () => {
    expect(run([open, add(banana, 2), { tag: 'change-quantity', sku: 'banana', quantity: 2 }]).last).toEqual({
      ok: true,
      events: [],
    });
  });

  test('actor and reason are told with the event', () => {
    const decision = decide(undefined, open, { ...told, actor: 'clerk', reason: 'by telephone' });
    expect(decision.ok && decision.events[0]?.payload).toMatchObject({
      actor: 'clerk',
      reason: 'by telephone',
    });
  });

  test.each<[string, CartCommand[]]>([
    ['cart-not-found', [add(banana)]],
    ['cart-already-open', [open, open]],
    ['product-not-found', [open, { tag: 'add-item', product: undefined, quantity: 1 }]],
    ['quantity-exceeds-limit', [open, add(banana, 999), add(banana)]],
    ['cart-full', [open, ...Array.from({ length: 101 }, (_, n) => add({ ...banana, sku: `sku-${n}` }))]],
    ['item-not-in-cart', [open, { tag: 'remove-item', sku: 'banana' }]],
    ['item-not-in-cart', [open, { tag: 'change-quantity', sku: 'banana', quantity: 1 }]],
    ['discount-not-found', [open, { tag: 'apply-discount', discount: undefined }]],
    ['discount-requirement-unmet', [open, add(banana), { tag: 'apply-discount', discount: twoBananas }]],
    [
      'discount-already-applied',
      [
        open,
        add(banana, 2),
        { tag: 'apply-discount', discount: twoBananas },
        { tag: 'apply-discount', discount: twoBananas },
      ],
    ],
    ['cart-empty', [open, { tag: 'check-out' }]],
    ['cart-checked-out', [open, add(banana), { tag: 'check-out' }, add(banana)]],
    ['cart-abandoned', [open, { tag: 'abandon' }, { tag: 'check-out' }]],
  ])('refuses with %s', (reason, commands) => {
    expect(run(commands).last).toEqual({ ok: false, reason });
  });
});

const product = fc.constantFrom(banana, apple, mango);
const quantity = fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 999 }));
const command: fc.Arbitrary<CartCommand> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ tag: fc.constant('add-item' as const), product, quantity }) },
  {
    weight: 3,
    arbitrary: fc.record({
      tag: fc.constant('change-quantity' as const),
      sku: product.map(({ sku }) => sku),
      quantity,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ tag: fc.constant('remove-item' as const), sku: product.map(({ sku }) => sku) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      tag: fc.constant('apply-discount' as const),
      discount: fc.constantFrom(...discountCatalogue),
    }),
  },
  fc.constantFrom<CartCommand>({ tag: 'check-out' }, { tag: 'abandon' }),
);

describe('after any commands', () => {
  const history = fc.array(command, { maxLength: 40 });

  test('the totals that each event tells are those of the cart folded up to it', () => {
    fc.assert(
      fc.property(history, (commands) => {
        const { events } = run([open, ...commands]);
        let cart: CartState | undefined;
        for (const event of events) {
          cart = evolve(cart, event);
          expect(cart && totalsOf(cart)).toEqual(event.payload.totals);
        }
      }),
    );
  });

  test('the fold of the events is the cart, its version their number, and every event keeps its contract', () => {
    fc.assert(
      fc.property(history, (commands) => {
        const { cart, events } = run([open, ...commands]);
        expect(fold(events)).toEqual(cart);
        expect(cart?.version).toBe(events.length);
        for (const { type, payload } of events)
          expect(cartEventSchemas[type].parse(payload)).toEqual(payload);
      }),
    );
  });

  test('no discount holds whose requirement the cart does not meet', () => {
    fc.assert(
      fc.property(history, (commands) => {
        const { cart } = run([open, ...commands]);
        for (const { code } of cart?.discounts ?? []) {
          const requires = findDiscount(code)?.requires;
          const held = cart?.lines.find(({ sku }) => sku === requires?.sku)?.quantity ?? 0;
          expect(held).toBeGreaterThanOrEqual(requires?.quantity ?? Number.POSITIVE_INFINITY);
        }
      }),
    );
  });
});
