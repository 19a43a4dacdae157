/** Compensation: what has to happen to a cart so that its contents are what they were. Nothing that has happened is undone. */
import type { CartEvent } from '@diptych/contracts/cart-events';
import {
  type AppliedDiscount,
  type CartState,
  dropDiscount,
  dropLine,
  type Line,
  lineOf,
  putDiscount,
  putLine,
  type Totals,
} from '@diptych/contracts/cart-state';

export type Contents = Pick<CartState, 'lines' | 'discounts'>;

/** What every event tells besides what happened: who, why, and what the contents cost then. */
export type Now = (contents?: Partial<Contents>) => {
  readonly cartId: number;
  readonly actor: string;
  readonly reason?: string;
  readonly totals: Totals;
};

/**
 * The events that lead from one contents to the other, none when they are equal. What goes away goes first, so that the
 * cart never holds more than it may.
 */
export function compensations(from: Contents, { to, now }: { to: Contents; now: Now }): CartEvent[] {
  const events: CartEvent[] = [];
  let { lines, discounts } = from;
  for (const { code, amount } of from.discounts.filter((discount) => !holds(to, discount))) {
    discounts = dropDiscount(discounts, code);
    const payload = { ...now({ lines, discounts }), code, amount, requires: null };
    events.push({ type: 'DiscountRevoked', payload });
  }
  for (const line of from.lines.filter((one) => !isSameProduct(lineOf(to, one.sku), one))) {
    lines = dropLine(lines, line.sku);
    events.push({ type: 'ItemRemoved', payload: { ...now({ lines, discounts }), ...line } });
  }
  for (const line of to.lines) {
    const held = lineOf({ lines }, line.sku);
    if (held?.quantity === line.quantity) continue;
    lines = putLine(lines, line);
    const told = { ...now({ lines, discounts }), ...line };
    events.push(
      held
        ? { type: 'QuantityChanged', payload: { ...told, previousQuantity: held.quantity } }
        : { type: 'ItemAdded', payload: { ...told, quantityInCart: line.quantity } },
    );
  }
  for (const { code, amount } of to.discounts.filter((discount) => !holds(from, discount))) {
    discounts = putDiscount(discounts, { code, amount });
    events.push({ type: 'DiscountApplied', payload: { ...now({ lines, discounts }), code, amount } });
  }
  return events;
}

const holds = ({ discounts }: Contents, { code, amount }: AppliedDiscount): boolean =>
  discounts.some((one) => one.code === code && one.amount === amount);

/** A line keeps the price at which it came in: at another price it is another one. */
const isSameProduct = (one: Line | undefined, { name, unitPrice }: Line): boolean =>
  one?.name === name && one.unitPrice === unitPrice;
