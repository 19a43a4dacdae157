/** The discounts that a customer may ask for, as data. Each is worth less than what it requires costs. */
import { type Money, money } from '@diptych/contracts/money';

export interface Discount {
  readonly code: string;
  /** Negative. */
  readonly amount: Money;
  readonly requires: { readonly sku: string; readonly quantity: number };
}

export const discountCatalogue: readonly Discount[] = [
  { code: 'two-bananas', amount: money('-0.10'), requires: { sku: 'banana', quantity: 2 } },
  { code: 'six-apples', amount: money('-1.00'), requires: { sku: 'apple', quantity: 6 } },
  { code: 'mango-season', amount: money('-0.75'), requires: { sku: 'mango', quantity: 3 } },
];

/** The discount of this code, if there is one. */
export function findDiscount(code: string): Discount | undefined {
  return discountCatalogue.find((discount) => discount.code === code);
}
