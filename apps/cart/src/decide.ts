/** What a command does to a cart: events, or a refusal with its reason. Pure; nothing here knows of HTTP or rows. */

import type { CartEvent } from '@diptych/contracts/cart-events';
import {
  type CartState,
  dropDiscount,
  dropLine,
  type Line,
  lineOf,
  linesMax,
  lineTotal,
  putDiscount,
  putLine,
  quantityMax,
  totalsOf,
} from '@diptych/contracts/cart-state';
import { type CartEventType, type TransitionRefusal, transition } from '@diptych/contracts/cart-states';
import type { Money } from '@diptych/contracts/money';
import { unreachable } from '@diptych/runtime/assert';
import { type Contents, compensations, type Now } from './compensate.ts';
import { type Discount, findDiscount } from './discount-catalogue.ts';

export interface Product {
  readonly sku: string;
  readonly name: string;
  readonly unitPrice: Money;
}

/** A product or discount that was looked up and not found is undefined. */
export type CartCommand =
  | { readonly tag: 'open' }
  | { readonly tag: 'add-item'; readonly product: Product | undefined; readonly quantity: number }
  | { readonly tag: 'change-quantity'; readonly sku: string; readonly quantity: number }
  | { readonly tag: 'remove-item'; readonly sku: string }
  | { readonly tag: 'apply-discount'; readonly discount: Discount | undefined }
  | { readonly tag: 'check-out' }
  | { readonly tag: 'abandon' }
  /** The cart as it was at a version; undefined when it has no such version. */
  | { readonly tag: 'revert'; readonly to: Contents | undefined };

/** The event that a command leads to; the state machine says whether it may. */
const leadsTo = {
  open: 'CartOpened',
  'add-item': 'ItemAdded',
  'change-quantity': 'QuantityChanged',
  'remove-item': 'ItemRemoved',
  'apply-discount': 'DiscountApplied',
  'check-out': 'CartCheckedOut',
  abandon: 'CartAbandoned',
  // Or any other change of the contents: what may happen to one, may to all.
  revert: 'QuantityChanged',
} as const satisfies Record<CartCommand['tag'], CartEventType>;

export type Refusal =
  | TransitionRefusal
  | 'product-not-found'
  | 'item-not-in-cart'
  | 'quantity-exceeds-limit'
  | 'cart-full'
  | 'cart-empty'
  | 'discount-not-found'
  | 'discount-already-applied'
  | 'discount-requirement-unmet'
  | 'version-unknown';

export type Decision =
  | { readonly ok: true; readonly events: readonly CartEvent[] }
  | { readonly ok: false; readonly reason: Refusal };

/** What each event tells besides what happened. */
export interface Told {
  readonly cartId: number;
  readonly actor: string;
  readonly reason?: string;
}

const accept = (...events: CartEvent[]): Decision => ({ ok: true, events });
const refuse = (reason: Refusal): Decision => ({ ok: false, reason });

/**
 * Decides a command on a cart, undefined when there is none. No events and no refusal means that the cart already is as
 * the command wants it.
 */
export function decide(state: CartState | undefined, command: CartCommand, told: Told): Decision {
  const moved = transition(state?.status, leadsTo[command.tag]);
  if (!moved.ok) return refuse(moved.reason);
  const cart: Contents = state ?? { lines: [], discounts: [] };
  const now: Now = (contents = {}) => ({
    ...told,
    totals: totalsOf({ ...cart, ...contents }),
  });
  switch (command.tag) {
    case 'open':
      return accept({ type: 'CartOpened', payload: now() });
    case 'add-item':
      return addItem(cart, command, now);
    case 'change-quantity':
      return changeQuantity(cart, command, now);
    case 'remove-item': {
      const line = lineOf(cart, command.sku);
      if (!line) return refuse('item-not-in-cart');
      const lines = dropLine(cart.lines, line.sku);
      return accept(
        { type: 'ItemRemoved', payload: { ...now({ lines }), ...line } },
        ...revocations({ ...cart, lines }, now),
      );
    }
    case 'apply-discount':
      return applyDiscount(cart, command.discount, now);
    case 'check-out':
      if (cart.lines.length === 0) return refuse('cart-empty');
      return accept({ type: 'CartCheckedOut', payload: { ...now(), ...listed(cart) } });
    case 'abandon':
      return accept({ type: 'CartAbandoned', payload: { ...now(), ...listed(cart) } });
    case 'revert':
      if (!command.to) return refuse('version-unknown');
      return accept(...compensations(cart, { to: command.to, now }));
    default:
      return unreachable(command);
  }
}

function addItem(
  cart: Contents,
  { product, quantity }: Extract<CartCommand, { tag: 'add-item' }>,
  now: Now,
): Decision {
  if (!product) return refuse('product-not-found');
  const line = lineOf(cart, product.sku);
  if (!line && cart.lines.length >= linesMax) return refuse('cart-full');
  const quantityInCart = (line?.quantity ?? 0) + quantity;
  if (quantityInCart > quantityMax) return refuse('quantity-exceeds-limit');
  // What is in the cart keeps its price: otherwise adding one piece could reprice the others.
  const { sku, name, unitPrice } = line ?? product;
  const lines = putLine(cart.lines, { sku, name, unitPrice, quantity: quantityInCart });
  return accept({
    type: 'ItemAdded',
    payload: { ...now({ lines }), sku, name, unitPrice, quantity, quantityInCart },
  });
}

function changeQuantity(
  cart: Contents,
  { sku, quantity }: Extract<CartCommand, { tag: 'change-quantity' }>,
  now: Now,
): Decision {
  const line = lineOf(cart, sku);
  if (!line) return refuse('item-not-in-cart');
  if (quantity > quantityMax) return refuse('quantity-exceeds-limit');
  if (line.quantity === quantity) return accept();
  const changed: Line = { ...line, quantity };
  const lines = putLine(cart.lines, changed);
  return accept(
    {
      type: 'QuantityChanged',
      payload: { ...now({ lines }), ...changed, previousQuantity: line.quantity },
    },
    ...revocations({ ...cart, lines }, now),
  );
}

function applyDiscount(cart: Contents, discount: Discount | undefined, now: Now): Decision {
  if (!discount) return refuse('discount-not-found');
  if (cart.discounts.some(({ code }) => code === discount.code)) return refuse('discount-already-applied');
  if (!isMet(discount, cart)) return refuse('discount-requirement-unmet');
  const { code, amount } = discount;
  const discounts = putDiscount(cart.discounts, { code, amount });
  return accept({ type: 'DiscountApplied', payload: { ...now({ discounts }), code, amount } });
}

/** Discounts that the cart, as it is now, no longer earns. One that has left the catalogue stays: nothing tells its terms. */
function revocations(cart: Contents, now: Now): CartEvent[] {
  let discounts = cart.discounts;
  return cart.discounts.flatMap(({ code, amount }): CartEvent[] => {
    const discount = findDiscount(code);
    if (!discount || isMet(discount, cart)) return [];
    discounts = dropDiscount(discounts, code);
    const { requires } = discount;
    return [
      {
        type: 'DiscountRevoked',
        payload: { ...now({ lines: cart.lines, discounts }), code, amount, requires },
      },
    ];
  });
}

const isMet = ({ requires }: Discount, cart: Contents): boolean =>
  (lineOf(cart, requires.sku)?.quantity ?? 0) >= requires.quantity;

/** The order as the last event of a cart lists it. */
const listed = ({ lines, discounts }: Contents) => ({
  lines: lines.map((line) => ({ ...line, lineTotal: lineTotal(line) })),
  discounts: [...discounts],
});
