/** The cart's state machine as data: which event may happen in which state, and what the cart is afterwards. */

export const cartEventTypes = [
  'CartOpened',
  'ItemAdded',
  'ItemRemoved',
  'QuantityChanged',
  'DiscountApplied',
  'DiscountRevoked',
  'CartCheckedOut',
  'CartAbandoned',
] as const;
export type CartEventType = (typeof cartEventTypes)[number];

/** The states a cart can be in once it exists, as the column `carts.status` spells them. */
export const cartStatuses = ['open', 'checked-out', 'abandoned'] as const;
export type CartStatus = (typeof cartStatuses)[number];

/** What is not in the table is refused. `absent` is the state of a cart that nobody opened. */
export const cartTransitions = {
  absent: { CartOpened: 'open' },
  open: {
    ItemAdded: 'open',
    ItemRemoved: 'open',
    QuantityChanged: 'open',
    DiscountApplied: 'open',
    DiscountRevoked: 'open',
    CartCheckedOut: 'checked-out',
    CartAbandoned: 'abandoned',
  },
  'checked-out': {},
  abandoned: {},
} as const satisfies Record<'absent' | CartStatus, Partial<Record<CartEventType, CartStatus>>>;

/** Why an event cannot happen: it follows from the state alone. */
export const transitionRefusals = {
  absent: 'cart-not-found',
  open: 'cart-already-open',
  'checked-out': 'cart-checked-out',
  abandoned: 'cart-abandoned',
} as const satisfies Record<keyof typeof cartTransitions, string>;
export type TransitionRefusal = (typeof transitionRefusals)[keyof typeof transitionRefusals];

export type Transition =
  | { readonly ok: true; readonly next: CartStatus }
  | { readonly ok: false; readonly reason: TransitionRefusal };

/** Looks the event up in the table; an unknown cart has the state undefined. */
export function transition(status: CartStatus | undefined, event: CartEventType): Transition {
  const state = status ?? 'absent';
  const row: Partial<Record<CartEventType, CartStatus>> = cartTransitions[state];
  const next = row[event];
  return next === undefined ? { ok: false, reason: transitionRefusals[state] } : { ok: true, next };
}
