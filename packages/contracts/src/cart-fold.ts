/** Cart events to cart state. Pure and total: it never refuses, so that a stream beside a legacy writer can be folded too. */
import { unreachable } from '@diptych/runtime/assert';
import type { CartEvent } from './cart-events.ts';
import { type CartState, dropDiscount, dropLine, lineOf, putDiscount, putLine } from './cart-state.ts';
import { transition } from './cart-states.ts';

/**
 * The cart after the event. undefined is a cart whose beginning is unknown; it stays so until a CartOpened comes.
 * What the events say that they did counts (`quantity` added), not what they say is there now (`quantityInCart`):
 * otherwise each event would heal the drift that comparing is to find.
 */
export function evolve(state: CartState | undefined, event: CartEvent): CartState | undefined {
  if (event.type === 'CartOpened') {
    return { cartId: event.payload.cartId, status: 'open', version: 1, lines: [], discounts: [] };
  }
  if (state === undefined) return undefined;
  const moved = transition(state.status, event.type);
  const after = { ...state, version: state.version + 1, status: moved.ok ? moved.next : state.status };
  switch (event.type) {
    case 'ItemAdded': {
      const { sku, name, unitPrice, quantity } = event.payload;
      const total = (lineOf(state, sku)?.quantity ?? 0) + quantity;
      return { ...after, lines: putLine(state.lines, { sku, name, unitPrice, quantity: total }) };
    }
    case 'QuantityChanged': {
      const { sku, name, unitPrice, quantity } = event.payload;
      return { ...after, lines: putLine(state.lines, { sku, name, unitPrice, quantity }) };
    }
    case 'ItemRemoved':
      return { ...after, lines: dropLine(state.lines, event.payload.sku) };
    case 'DiscountApplied': {
      const { code, amount } = event.payload;
      return { ...after, discounts: putDiscount(state.discounts, { code, amount }) };
    }
    case 'DiscountRevoked':
      return { ...after, discounts: dropDiscount(state.discounts, event.payload.code) };
    case 'CartCheckedOut':
    case 'CartAbandoned':
      return after;
    default:
      return unreachable(event);
  }
}

/** The cart after all its events, or undefined when they do not begin with CartOpened. */
export function fold(events: Iterable<CartEvent>): CartState | undefined {
  let state: CartState | undefined;
  for (const event of events) state = evolve(state, event);
  return state;
}
