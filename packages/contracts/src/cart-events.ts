/**
 * The cart's domain events: past-tense facts, each complete in itself, so that a consumer needs neither a look-up nor the
 * events before it to act. Amounts are decimal strings, discounts negative.
 */
import { EventContract } from '@diptych/events/event-contract';
import { type ReadRefusal, readEvent } from '@diptych/events/read-event';
import { z } from 'zod';
import { quantityMax } from './cart-state.ts';
import type { CartEventType } from './cart-states.ts';
import { moneySchema } from './money.ts';

/** The cart's aggregate type: it names the topic, `outbox.event.cart`. */
export const cartAggregateType = 'cart';

/** That of the event-sourced cart, which tells the same events: `outbox.event.es-cart`. */
export const esCartAggregateType = 'es-cart';

const quantity = z.int().min(1).max(quantityMax);
const text = z.string().min(1);

// Nested objects leave unknown fields out instead of refusing them: they are read by consumers too.
const totals = z.object({ subtotal: moneySchema, discount: moneySchema, total: moneySchema });

/** What every event says: which cart, who did it and, when given, why. */
const told = { cartId: z.int().min(1), actor: text, reason: text.optional() };

/** What every event of an open cart says besides: what the cart costs now. */
const priced = { ...told, totals };

const product = { sku: text, name: text, unitPrice: moneySchema };

const line = z.object({ ...product, quantity, lineTotal: moneySchema });
const discount = z.object({ code: text, amount: moneySchema });

/** The order as it stands at the end. */
const contents = { lines: z.array(line), discounts: z.array(discount) };

const revoked = { ...priced, code: text, amount: moneySchema };
const requirement = z.object({ sku: text, quantity });

/** Schemas of what is appended, in the newest version: an unknown field of the payload is a mistake of the writer. */
export const cartEventSchemas = {
  CartOpened: z.strictObject(priced),
  /** `quantity` is what was added, `quantityInCart` what is there now. */
  ItemAdded: z.strictObject({ ...priced, ...product, quantity, quantityInCart: quantity }),
  /** `quantity` is what was there and is gone. */
  ItemRemoved: z.strictObject({ ...priced, ...product, quantity }),
  QuantityChanged: z.strictObject({ ...priced, ...product, previousQuantity: quantity, quantity }),
  DiscountApplied: z.strictObject({ ...priced, code: text, amount: moneySchema }),
  /** `requires` is what the cart no longer holds; null when it was taken back for another reason. */
  DiscountRevoked: z.strictObject({ ...revoked, requires: requirement.nullable() }),
  /** Everything that shipping needs. */
  CartCheckedOut: z.strictObject({ ...priced, ...contents, lines: z.array(line).min(1) }),
  CartAbandoned: z.strictObject({ ...priced, ...contents }),
} as const satisfies Record<CartEventType, z.ZodObject>;

/** The worked example: what its cart costs after the first banana. */
const example = {
  cartId: 101,
  actor: 'ann',
  totals: { subtotal: '1.00', discount: '0.00', total: '1.00' },
};
const banana = { sku: 'banana', name: 'Banana', unitPrice: '1.00' };
const bananas = [{ ...banana, quantity: 1, lineTotal: '1.00' }];
const since = '2026-11-01';

/** The contracts of the cart's events, all versions of each: what `append` writes by, and readers read by. */
export const cartContract = {
  CartOpened: EventContract.first({
    since,
    payload: cartEventSchemas.CartOpened,
    example: { ...example, totals: { subtotal: '0.00', discount: '0.00', total: '0.00' } },
  }),
  ItemAdded: EventContract.first({
    since,
    payload: cartEventSchemas.ItemAdded,
    example: { ...example, ...banana, quantity: 1, quantityInCart: 1 },
  }),
  ItemRemoved: EventContract.first({
    since,
    payload: cartEventSchemas.ItemRemoved,
    example: { ...example, ...banana, quantity: 1 },
  }),
  QuantityChanged: EventContract.first({
    since,
    payload: cartEventSchemas.QuantityChanged,
    example: { ...example, ...banana, previousQuantity: 2, quantity: 1 },
  }),
  DiscountApplied: EventContract.first({
    since,
    payload: cartEventSchemas.DiscountApplied,
    example: { ...example, code: 'two-bananas', amount: '-0.10' },
  }),
  DiscountRevoked: EventContract.first({
    since,
    payload: z.strictObject({ ...revoked, requires: requirement }),
    example: { ...example, code: 'two-bananas', amount: '-0.10', requires: { sku: 'banana', quantity: 2 } },
  }).next({
    // Since a cart can be reverted, a discount may go although all that it requires is there.
    since: '2026-11-21',
    payload: cartEventSchemas.DiscountRevoked,
    example: { ...example, code: 'two-bananas', amount: '-0.10', requires: null },
    upcast: (before) => before,
  }),
  CartCheckedOut: EventContract.first({
    since,
    payload: cartEventSchemas.CartCheckedOut,
    example: { ...example, lines: bananas, discounts: [] },
  }),
  CartAbandoned: EventContract.first({
    since,
    payload: cartEventSchemas.CartAbandoned,
    example: { ...example, reason: 'timed out', lines: bananas, discounts: [] },
  }),
} as const satisfies Record<CartEventType, EventContract<z.ZodObject>>;

export type CartPayload<Type extends CartEventType> = z.infer<(typeof cartEventSchemas)[Type]>;

/** A union on `type`, the word of the outbox's column and of the record's header. */
export type CartEvent = {
  [Type in CartEventType]: { readonly type: Type; readonly payload: Readonly<CartPayload<Type>> };
}[CartEventType];

export type ReadCartEvent =
  | { readonly ok: true; readonly event: CartEvent }
  | { readonly ok: false; readonly reason: ReadRefusal; readonly detail: string };

/**
 * Reads what came from the topic, in its newest version: `type` and `typeversion` from the headers `eventType` and
 * `eventVersion` (left out: the newest), `payload` from the parsed value. What cannot be read is a value with its reason
 * and the paths that are wrong (never the values), for the consumer to park.
 */
export function readCartEvent({
  type,
  typeversion,
  payload,
}: {
  type: string;
  typeversion?: number | null;
  payload: unknown;
}): ReadCartEvent {
  const newest = isCartEventType(type) ? cartContract[type].typeversion : 1;
  return readEvent(cartContract, { type, version: typeversion ?? newest, payload });
}

const isCartEventType = (type: string): type is CartEventType => Object.hasOwn(cartContract, type);
