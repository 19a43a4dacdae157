/**
 * The cart's domain events: past-tense facts, each complete in itself, so that a consumer needs neither a look-up nor the
 * events before it to act. Version 1 of each. Amounts are decimal strings, discounts negative.
 */
import { z } from 'zod';
import { quantityMax } from './cart-state.ts';
import type { CartEventType } from './cart-states.ts';
import { moneySchema } from './money.ts';

/** The cart's aggregate type: it names the topic, `outbox.event.cart`. */
export const cartAggregateType = 'cart';

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

/** Schemas of what is appended: an unknown field of the payload is a mistake of the writer. */
export const cartEventSchemas = {
  CartOpened: z.strictObject(priced),
  /** `quantity` is what was added, `quantityInCart` what is there now. */
  ItemAdded: z.strictObject({ ...priced, ...product, quantity, quantityInCart: quantity }),
  /** `quantity` is what was there and is gone. */
  ItemRemoved: z.strictObject({ ...priced, ...product, quantity }),
  QuantityChanged: z.strictObject({ ...priced, ...product, previousQuantity: quantity, quantity }),
  DiscountApplied: z.strictObject({ ...priced, code: text, amount: moneySchema }),
  /** `requires` is what the cart no longer holds. */
  DiscountRevoked: z.strictObject({
    ...priced,
    code: text,
    amount: moneySchema,
    requires: z.object({ sku: text, quantity }),
  }),
  /** Everything that shipping needs. */
  CartCheckedOut: z.strictObject({ ...priced, ...contents, lines: z.array(line).min(1) }),
  CartAbandoned: z.strictObject({ ...priced, ...contents }),
} as const satisfies Record<CartEventType, z.ZodObject>;

/** What the outbox's `append` validates against: schema and version of each type. */
export const cartContract = {
  CartOpened: { typeversion: 1, schema: cartEventSchemas.CartOpened },
  ItemAdded: { typeversion: 1, schema: cartEventSchemas.ItemAdded },
  ItemRemoved: { typeversion: 1, schema: cartEventSchemas.ItemRemoved },
  QuantityChanged: { typeversion: 1, schema: cartEventSchemas.QuantityChanged },
  DiscountApplied: { typeversion: 1, schema: cartEventSchemas.DiscountApplied },
  DiscountRevoked: { typeversion: 1, schema: cartEventSchemas.DiscountRevoked },
  CartCheckedOut: { typeversion: 1, schema: cartEventSchemas.CartCheckedOut },
  CartAbandoned: { typeversion: 1, schema: cartEventSchemas.CartAbandoned },
} as const satisfies Record<CartEventType, { typeversion: number; schema: z.ZodObject }>;

export type CartPayload<Type extends CartEventType> = z.infer<(typeof cartEventSchemas)[Type]>;

/** A union on `type`, the word of the outbox's column and of the record's header. */
export type CartEvent = {
  [Type in CartEventType]: { readonly type: Type; readonly payload: Readonly<CartPayload<Type>> };
}[CartEventType];

/**
 * For consumers: a field that they do not know is left out, because a later version may add some.
 * One option for each event type, told apart by `type`.
 */
const readable = z.discriminatedUnion('type', [
  z.object({ type: z.literal('CartOpened'), payload: cartEventSchemas.CartOpened.strip() }),
  z.object({ type: z.literal('ItemAdded'), payload: cartEventSchemas.ItemAdded.strip() }),
  z.object({ type: z.literal('ItemRemoved'), payload: cartEventSchemas.ItemRemoved.strip() }),
  z.object({ type: z.literal('QuantityChanged'), payload: cartEventSchemas.QuantityChanged.strip() }),
  z.object({ type: z.literal('DiscountApplied'), payload: cartEventSchemas.DiscountApplied.strip() }),
  z.object({ type: z.literal('DiscountRevoked'), payload: cartEventSchemas.DiscountRevoked.strip() }),
  z.object({ type: z.literal('CartCheckedOut'), payload: cartEventSchemas.CartCheckedOut.strip() }),
  z.object({ type: z.literal('CartAbandoned'), payload: cartEventSchemas.CartAbandoned.strip() }),
]);

export type ReadCartEvent =
  | { readonly ok: true; readonly event: CartEvent }
  | { readonly ok: false; readonly reason: 'type-unknown' | 'payload-invalid'; readonly detail: string };

/**
 * Reads what came from the topic: `type` from the header `eventType`, `payload` from the parsed value. What cannot be
 * read is a value with its reason and the paths that are wrong (never the values), for the consumer to park.
 */
export function readCartEvent({ type, payload }: { type: string; payload: unknown }): ReadCartEvent {
  if (!Object.hasOwn(cartEventSchemas, type)) {
    return { ok: false, reason: 'type-unknown', detail: `no event of the cart is called ${type}` };
  }
  const read = readable.safeParse({ type, payload });
  if (read.success) return { ok: true, event: read.data };
  const paths = read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  return { ok: false, reason: 'payload-invalid', detail: paths.join('; ') };
}
