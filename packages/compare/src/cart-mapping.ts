/** The cart of the example in both panels: its state from events, its state from rows, its events in words. */
import {
  type CartEvent,
  cartAggregateType,
  esCartAggregateType,
  readCartEvent,
} from '@diptych/contracts/cart-events';
import { evolve } from '@diptych/contracts/cart-fold';
import type { AppliedDiscount, CartState, Line } from '@diptych/contracts/cart-state';
import { type Money, moneySchema } from '@diptych/contracts/money';
import { unreachable } from '@diptych/runtime/assert';
import type { AggregateMapping, Facts, Read } from './aggregate-mapping.ts';
import type { AggregateRows } from './aggregate-rows.ts';
import { describeEvent } from './describe-event.ts';
import { type DomainEvent, tableName } from './joined-transaction.ts';
import type { JsonObject } from './json-object.ts';

const carts = 'public.carts';
const items = 'public.cart_items';
const discounts = 'public.cart_discounts';

export const cartMapping: AggregateMapping<CartState> = {
  aggregateType: cartAggregateType,
  tables: [carts, items, discounts],
  rootTable: carts,
  ownerOf: (row) => {
    const column = tableName(row) === carts ? 'id' : 'cart_id';
    const id = (row.key ?? ('row' in row ? row.row : (row.after ?? row.before)))?.[column];
    return typeof id === 'number' || typeof id === 'bigint' ? String(id) : undefined;
  },
  begins: ({ type, aggregateVersion }) => type === 'CartOpened' && aggregateVersion === 1n,
  evolve: (state, event) => {
    const read = readCartEvent({ ...event, typeversion: event.version });
    if (!read.ok) return { ok: false, reason: 'event-unreadable' };
    return { ok: true, value: evolve(state, read.event) };
  },
  factsOfEvents: ({ status, lines, discounts: applied }) => factsOf({ status, lines, discounts: applied }),
  factsOfRows,
};

interface Contents {
  readonly status: string;
  readonly lines: readonly Omit<Line, 'name'>[];
  readonly discounts: readonly AppliedDiscount[];
  /** What the row says that the cart came to; undefined before checkout. */
  readonly total?: Money | undefined;
}

function factsOf({ status, lines, discounts: applied, total }: Contents): Facts {
  return {
    status,
    ...Object.fromEntries(
      lines.map(({ sku, quantity, unitPrice }) => [`line ${sku}`, `${quantity} × ${unitPrice}`]),
    ),
    ...Object.fromEntries(applied.map(({ code, amount }) => [`discount ${code}`, amount])),
    total: total ?? totalOf(lines, applied),
  };
}

/**
 * In cents of any size: a legacy writer is not held to what the contracts allow, and its total may not fit their Money.
 */
function totalOf(lines: Contents['lines'], applied: Contents['discounts']): string {
  const cents = (amount: Money): bigint => BigInt(amount.replace('.', ''));
  const subtotal = lines.reduce(
    (sum, { quantity, unitPrice }) => sum + BigInt(quantity) * cents(unitPrice),
    0n,
  );
  const total = applied.reduce((sum, { amount }) => sum + cents(amount), subtotal);
  const digits = (total < 0n ? -total : total).toString().padStart(3, '0');
  return `${total < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

function factsOfRows(rows: AggregateRows): Read<Facts | undefined> {
  const [cart] = rows.of(carts);
  if (cart === undefined) return { ok: true, value: undefined };
  const contents = contentsOf(cart, rows);
  return contents ? { ok: true, value: factsOf(contents) } : { ok: false, reason: 'row-unreadable' };
}

/** undefined when a column is missing or written in a way that is not ours (`compat: debezium` encodes decimals). */
function contentsOf(cart: JsonObject, rows: AggregateRows): Contents | undefined {
  const lines = rows.of(items).map(({ sku, quantity, unit_price }) => {
    const unitPrice = moneySchema.safeParse(unit_price);
    const whole = typeof quantity === 'number' && Number.isInteger(quantity);
    return typeof sku === 'string' && whole && unitPrice.success
      ? { sku, quantity, unitPrice: unitPrice.data }
      : undefined;
  });
  const applied = rows.of(discounts).map(({ code, amount }) => {
    const value = moneySchema.safeParse(amount);
    return typeof code === 'string' && value.success ? { code, amount: value.data } : undefined;
  });
  const total = moneySchema.nullable().safeParse(cart.total ?? null);
  if (typeof cart.status !== 'string' || !total.success) return undefined;
  if (!lines.every((line) => line !== undefined) || !applied.every((one) => one !== undefined))
    return undefined;
  return { status: cart.status, lines, discounts: applied, total: total.data ?? undefined };
}

/** A cart event in words: `ItemAdded  cart 101  banana ×1  $1.00  (customer)`; any other as `describeEvent` does. */
export function describeCartEvent(event: DomainEvent): string {
  const isCart = event.aggregateType === cartAggregateType || event.aggregateType === esCartAggregateType;
  if (!isCart) return describeEvent(event);
  const read = readCartEvent({ ...event, typeversion: event.version });
  if (!read.ok) return describeEvent(event);
  const { type, payload } = read.event;
  const who = payload.reason === undefined ? payload.actor : `${payload.actor}: ${payload.reason}`;
  return [type, `${event.aggregateType} ${payload.cartId}`, ...words(read.event), `(${who})`].join('  ');
}

function words({ type, payload }: CartEvent): string[] {
  switch (type) {
    case 'CartOpened':
      return [];
    case 'ItemAdded':
      return [`${payload.sku} ×${payload.quantity}`, dollars(payload.unitPrice)];
    case 'ItemRemoved':
      return [`${payload.sku} ×${payload.quantity}`];
    case 'QuantityChanged':
      return [`${payload.sku} ×${payload.previousQuantity} → ×${payload.quantity}`];
    case 'DiscountApplied':
      return [payload.code, dollars(payload.amount)];
    case 'DiscountRevoked':
      return [
        payload.code,
        dollars(payload.amount),
        ...(payload.requires ? [`lacks ${payload.requires.sku} ×${payload.requires.quantity}`] : []),
      ];
    case 'CartCheckedOut':
    case 'CartAbandoned':
      return [
        payload.lines.map(({ sku, quantity }) => `${sku} ×${quantity}`).join(', '),
        dollars(payload.totals.total),
      ];
    default:
      return unreachable(type);
  }
}

/** `$1.00`, `-$0.10` */
function dollars(amount: Money): string {
  return amount.startsWith('-') ? `-$${amount.slice(1)}` : `$${amount}`;
}
