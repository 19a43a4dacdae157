/** What a cart is at one moment: the same whether it was folded from events or read from rows. */
import type { CartStatus } from './cart-states.ts';
import { type Money, sum, times } from './money.ts';

/** Quantity of one product in a cart, at most. */
export const quantityMax = 999;

/**
 * Different products in one cart, at most. With a price of at most 99999.99 and 999 pieces of each, 100 lines come to
 * 9989999001.00, which `numeric(12,2)` still holds; more lines could overflow a total.
 */
export const linesMax = 100;

/** One product in the cart. Its price is the one at which it first came in, until it is removed. */
export interface Line {
  readonly sku: string;
  readonly name: string;
  readonly quantity: number;
  readonly unitPrice: Money;
}

/** A discount that holds; its amount is negative. */
export interface AppliedDiscount {
  readonly code: string;
  readonly amount: Money;
}

/** `subtotal` of the lines, `discount` zero or negative, `total` their sum. */
export interface Totals {
  readonly subtotal: Money;
  readonly discount: Money;
  readonly total: Money;
}

/** Lines are sorted by sku and discounts by code, so that equal carts are deeply equal. */
export interface CartState {
  readonly cartId: number;
  readonly status: CartStatus;
  /** Number of events that led here: the aggregate version of the last one. */
  readonly version: number;
  readonly lines: readonly Line[];
  readonly discounts: readonly AppliedDiscount[];
}

/** Bytewise, as PostgreSQL sorts text in the collation "C"; a locale would sort differently on each machine. */
const ascending = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

/** The lines in their canonical order. */
export function sortLines(lines: readonly Line[]): readonly Line[] {
  return lines.toSorted((left, right) => ascending(left.sku, right.sku));
}

/** The discounts in their canonical order. */
export function sortDiscounts(discounts: readonly AppliedDiscount[]): readonly AppliedDiscount[] {
  return discounts.toSorted((left, right) => ascending(left.code, right.code));
}

/** The line of this product, if the cart has it. */
export function lineOf({ lines }: Pick<CartState, 'lines'>, sku: string): Line | undefined {
  return lines.find((line) => line.sku === sku);
}

/** The lines with this one in place of the one of the same sku. */
export function putLine(lines: readonly Line[], line: Line): readonly Line[] {
  return sortLines([...lines.filter(({ sku }) => sku !== line.sku), line]);
}

/** The lines without this product. */
export function dropLine(lines: readonly Line[], sku: string): readonly Line[] {
  return lines.filter((line) => line.sku !== sku);
}

/** The discounts with this one in place of the one of the same code. */
export function putDiscount(
  discounts: readonly AppliedDiscount[],
  discount: AppliedDiscount,
): readonly AppliedDiscount[] {
  return sortDiscounts([...dropDiscount(discounts, discount.code), discount]);
}

/** The discounts without this code. */
export function dropDiscount(
  discounts: readonly AppliedDiscount[],
  code: string,
): readonly AppliedDiscount[] {
  return discounts.filter((discount) => discount.code !== code);
}

/** The price of all pieces of a line. */
export function lineTotal({ unitPrice, quantity }: Pick<Line, 'unitPrice' | 'quantity'>): Money {
  return times(unitPrice, quantity);
}

/** What the cart costs. */
export function totalsOf({ lines, discounts }: Pick<CartState, 'lines' | 'discounts'>): Totals {
  const subtotal = sum(lines.map(lineTotal));
  const discount = sum(discounts.map(({ amount }) => amount));
  return { subtotal, discount, total: sum([subtotal, discount]) };
}
