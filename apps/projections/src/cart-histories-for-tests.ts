/** Random histories of carts, as a service that refuses nothing wrong would have told them, and as they come by their topics. */
import { randomUUID } from 'node:crypto';
import type { CartEvent, cartContract } from '@diptych/contracts/cart-events';
import { evolve } from '@diptych/contracts/cart-fold';
import { type CartState, lineOf, lineTotal, totalsOf } from '@diptych/contracts/cart-state';
import { type Money, money } from '@diptych/contracts/money';
import type { DomainEvent } from '@diptych/inbox/domain-event';
import fc from 'fast-check';

export type HistoryEvent = DomainEvent<typeof cartContract>;

const prices: Readonly<Record<string, Money>> = {
  apple: money('1.50'),
  banana: money('1.00'),
  mango: money('99999.99'),
};
const skus = Object.keys(prices);

/** What somebody wants; what the cart cannot do does not happen. */
export interface Wish {
  readonly tag: 'add' | 'change' | 'remove' | 'apply' | 'revoke' | 'check-out' | 'abandon';
  readonly sku: string;
  readonly quantity: number;
  readonly code: string;
}

const wish: fc.Arbitrary<Wish> = fc.record({
  tag: fc.oneof(
    { weight: 6, arbitrary: fc.constant('add' as const) },
    { weight: 4, arbitrary: fc.constantFrom('change' as const, 'remove' as const, 'apply' as const) },
    { weight: 1, arbitrary: fc.constantFrom('revoke' as const, 'check-out' as const, 'abandon' as const) },
  ),
  sku: fc.constantFrom(...skus),
  quantity: fc.integer({ min: 1, max: 5 }),
  code: fc.constantFrom('two-bananas', 'mango-season'),
});

export interface Cart {
  /** Called by its aggregate type after the last dot. */
  readonly topic: string;
  readonly cartId: number;
  readonly wishes: readonly Wish[];
}

/** Carts of both kinds, at times the same number twice. */
const cart: fc.Arbitrary<Cart> = fc.record({
  topic: fc.constantFrom('outbox.event.cart', 'outbox.event.es-cart'),
  cartId: fc.integer({ min: 101, max: 106 }),
  wishes: fc.array(wish, { maxLength: 12 }),
});

/** Events of several carts, mixed as their partitions bring them; those of a cart in their order. */
export const history: fc.Arbitrary<readonly HistoryEvent[]> = fc
  .tuple(
    fc.uniqueArray(cart, {
      minLength: 1,
      maxLength: 6,
      selector: ({ topic, cartId }) => `${topic} ${cartId}`,
    }),
    fc.array(fc.nat(), { minLength: 100, maxLength: 100 }),
  )
  .map(([carts, choices]) => {
    const told = carts.map((one) => tell(one));
    const mixed: HistoryEvent[] = [];
    for (let turn = 0; told.some((events) => events.length > 0); turn += 1) {
      const left = told.filter((events) => events.length > 0);
      const next = left[(choices[turn % choices.length] ?? 0) % left.length]?.shift();
      if (next) mixed.push({ ...next, at: { ...next.at, offset: BigInt(mixed.length) } });
    }
    return mixed;
  });

const beganMs = Date.UTC(2026, 10, 20, 22);
const hourMs = 3_600_000;

/** The events of one cart, from its beginning. */
export function tell({ topic, cartId, wishes }: Cart): HistoryEvent[] {
  const opened: CartEvent = {
    type: 'CartOpened',
    payload: { cartId, actor: 'ann', totals: totalsOf(empty) },
  };
  let state = evolve(undefined, opened);
  const events: CartEvent[] = [opened];
  for (const one of wishes) {
    const event = state?.status === 'open' ? granted(state, one) : undefined;
    if (!event || !state) continue;
    const after = evolve(state, event);
    events.push({ ...event, payload: { ...event.payload, totals: totalsOf(after ?? empty) } } as CartEvent);
    state = after;
  }
  return events.map((event, index) => {
    // Hours apart, so that a cart may be checked out on a later day than it was opened on.
    const time = new Date(beganMs + (cartId - 101) * 60_000 + index * hourMs);
    return {
      ...event,
      ...{ id: randomUUID(), version: 1, aggregateId: String(cartId), aggregateVersion: BigInt(index + 1) },
      ...{ time, identity: null, headers: new Map() },
      at: { topic, partition: cartId % 3, offset: 0n },
    } as HistoryEvent;
  });
}

const empty = { lines: [], discounts: [] };

/** Totals are those after the event; who tells it puts them in. */
function granted(state: CartState, { tag, sku, quantity, code }: Wish): CartEvent | undefined {
  const { cartId, lines, discounts } = state;
  const told = { cartId, actor: 'ann', totals: totalsOf(state) };
  const held = lineOf(state, sku);
  const product = { sku, name: sku, unitPrice: prices[sku] ?? money('0.00') };
  const contents = {
    lines: lines.map((line) => ({ ...line, lineTotal: lineTotal(line) })),
    discounts: [...discounts],
  };
  switch (tag) {
    case 'add':
      return {
        type: 'ItemAdded',
        payload: { ...told, ...product, quantity, quantityInCart: (held?.quantity ?? 0) + quantity },
      };
    case 'change':
      if (!held || held.quantity === quantity) return undefined;
      return {
        type: 'QuantityChanged',
        payload: { ...told, ...product, previousQuantity: held.quantity, quantity },
      };
    case 'remove':
      return held && { type: 'ItemRemoved', payload: { ...told, ...product, quantity: held.quantity } };
    case 'apply':
      if (discounts.some((discount) => discount.code === code)) return undefined;
      return { type: 'DiscountApplied', payload: { ...told, code, amount: money('-0.10') } };
    case 'revoke': {
      const applied = discounts.find((discount) => discount.code === code);
      return applied && { type: 'DiscountRevoked', payload: { ...told, ...applied, requires: null } };
    }
    case 'check-out':
      return lines.length === 0 ? undefined : { type: 'CartCheckedOut', payload: { ...told, ...contents } };
    case 'abandon':
      return { type: 'CartAbandoned', payload: { ...told, ...contents } };
  }
}
