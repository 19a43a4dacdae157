/**
 * Money as the decimal string that PostgreSQL's `numeric(12,2)` prints, `3.90` or `-0.10`. Sums are made of bigint cents,
 * never of floats: 0.1 + 0.2 is not 0.3 there. The currency is the shop's only one.
 * https://www.postgresql.org/docs/18/datatype-numeric.html#DATATYPE-NUMERIC-DECIMAL
 */
import { assert } from '@diptych/runtime/assert';
import { z } from 'zod';

/** Ten digits before the point and two after it: what `numeric(12,2)` holds. */
export const centsMax = 999_999_999_999n;

const form = /^(?!-0\.00$)-?(0|[1-9]\d{0,9})\.\d{2}$/;

/** The border where text becomes Money. */
export const moneySchema = z
  .string()
  .regex(form, 'must be a decimal string with two places, such as "3.90"')
  .brand('Money')
  .meta({ description: 'Decimal string with two places', example: '3.90' });

export type Money = z.infer<typeof moneySchema>;

/** Brands a literal or a value of a `numeric(12,2)` column. Throws AssertionError for any other spelling. */
export function money(text: string): Money {
  assert(form.test(text), `not money: ${text}`);
  return text as Money;
}

export const nothing = money('0.00');

/** The same amount in cents. */
export function toCents(amount: Money): bigint {
  return BigInt(amount.replace('.', ''));
}

/** The amount of so many cents. Throws AssertionError when `numeric(12,2)` could not hold it. */
export function fromCents(cents: bigint): Money {
  assert(cents >= -centsMax && cents <= centsMax, `${cents} cents do not fit numeric(12,2)`);
  const digits = (cents < 0n ? -cents : cents).toString().padStart(3, '0');
  return money(`${cents < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`);
}

/** The sum of any number of amounts; of none, nothing. */
export function sum(amounts: readonly Money[]): Money {
  return fromCents(amounts.reduce((cents, amount) => cents + toCents(amount), 0n));
}

/** The price of `quantity` pieces, a whole number. */
export function times(unitPrice: Money, quantity: number): Money {
  assert(Number.isSafeInteger(quantity), `not a whole number: ${quantity}`);
  return fromCents(toCents(unitPrice) * BigInt(quantity));
}
