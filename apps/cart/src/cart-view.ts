/** The cart as HTTP shows it. */
import { type CartState, lineTotal, quantityMax, totalsOf } from '@diptych/contracts/cart-state';
import { cartStatuses } from '@diptych/contracts/cart-states';
import { moneySchema } from '@diptych/contracts/money';
import { z } from 'zod';

export const cartViewSchema = z.strictObject({
  id: z.int().meta({ example: 101 }),
  status: z.enum(cartStatuses),
  version: z.int().meta({ description: 'Goes up by one for each event; the ETag' }),
  items: z.array(
    z.strictObject({
      sku: z.string(),
      name: z.string(),
      quantity: z.int().min(1).max(quantityMax),
      unitPrice: moneySchema,
      lineTotal: moneySchema,
    }),
  ),
  discounts: z.array(z.strictObject({ code: z.string(), amount: moneySchema })),
  totals: z.strictObject({ subtotal: moneySchema, discount: moneySchema, total: moneySchema }),
});

export type CartView = z.infer<typeof cartViewSchema>;

/** Items by sku, discounts by code. */
export function viewCart(cart: CartState): CartView {
  return {
    id: cart.cartId,
    status: cart.status,
    version: cart.version,
    items: cart.lines.map(({ sku, name, quantity, unitPrice }) => ({
      sku,
      name,
      quantity,
      unitPrice,
      lineTotal: lineTotal({ unitPrice, quantity }),
    })),
    discounts: cart.discounts.map(({ code, amount }) => ({ code, amount })),
    totals: totalsOf(cart),
  };
}
