/** The cart's rows: read to a state, written from events. Each function is given the transaction it works in. */
import type { CartEvent } from '@diptych/contracts/cart-events';
import { type CartState, sortDiscounts, sortLines, totalsOf } from '@diptych/contracts/cart-state';
import { money } from '@diptych/contracts/money';
import { present, unreachable } from '@diptych/runtime/assert';
import { and, asc, eq, sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import type { Product } from './decide.ts';
import { cartDiscounts, cartItems, carts, products } from './tables.ts';

/** Inserts an open, empty cart and returns its id. */
export async function insertCart(tx: Database): Promise<number> {
  const [row] = await tx.insert(carts).values({}).returning({ id: carts.id });
  return present(row, 'the inserted cart').id;
}

/**
 * The cart as its rows tell it, or undefined. With `lock` nobody else changes it until the transaction ends: commands on
 * one cart come one after the other. https://www.postgresql.org/docs/18/explicit-locking.html#LOCKING-ROWS
 */
export async function readCart(
  tx: Database,
  { cartId, lock }: { cartId: number; lock: boolean },
): Promise<CartState | undefined> {
  const query = tx
    .select({ status: carts.status, version: carts.version })
    .from(carts)
    .where(eq(carts.id, cartId));
  const [cart] = await (lock ? query.for('update') : query);
  if (!cart) return undefined;
  const { sku, name, quantity, unitPrice } = cartItems;
  const items = await tx
    .select({ sku, name, quantity, unitPrice })
    .from(cartItems)
    .where(eq(cartItems.cartId, cartId));
  const { code, amount } = cartDiscounts;
  const discounts = await tx
    .select({ code, amount })
    .from(cartDiscounts)
    .where(eq(cartDiscounts.cartId, cartId));
  return {
    cartId,
    ...cart,
    lines: sortLines(items.map((item) => ({ ...item, unitPrice: money(item.unitPrice) }))),
    discounts: sortDiscounts(discounts.map((discount) => ({ ...discount, amount: money(discount.amount) }))),
  };
}

/** Changes the rows of the cart's contents as the event says. The cart's own row is `updateCart`'s. */
export async function writeContents(tx: Database, { type, payload }: CartEvent): Promise<void> {
  const { cartId } = payload;
  switch (type) {
    case 'ItemAdded': {
      const { sku, name, unitPrice, quantity } = payload;
      await tx
        .insert(cartItems)
        .values({ cartId, sku, name, unitPrice, quantity })
        .onConflictDoUpdate({
          target: [cartItems.cartId, cartItems.sku],
          set: { quantity: sql`${cartItems.quantity} + ${quantity}` },
        });
      return;
    }
    case 'QuantityChanged':
      await tx.update(cartItems).set({ quantity: payload.quantity }).where(isItem(cartId, payload.sku));
      return;
    case 'ItemRemoved':
      await tx.delete(cartItems).where(isItem(cartId, payload.sku));
      return;
    case 'DiscountApplied':
      await tx.insert(cartDiscounts).values({ cartId, code: payload.code, amount: payload.amount });
      return;
    case 'DiscountRevoked':
      await tx
        .delete(cartDiscounts)
        .where(and(eq(cartDiscounts.cartId, cartId), eq(cartDiscounts.code, payload.code)));
      return;
    case 'CartOpened':
    case 'CartCheckedOut':
    case 'CartAbandoned':
      return;
    default:
      unreachable(type);
  }
}

/** Writes the cart's own row: status, version and, once checked out, its totals. */
export async function updateCart(tx: Database, state: CartState): Promise<void> {
  const { cartId, status, version } = state;
  await tx
    .update(carts)
    .set({ status, version, updatedAt: sql`now()`, ...(status === 'checked-out' ? totalsOf(state) : {}) })
    .where(eq(carts.id, cartId));
}

/** All products, by sku. */
export async function readProducts(database: Database): Promise<Product[]> {
  const rows = await database.select().from(products).orderBy(asc(products.sku));
  return rows.map((row) => ({ ...row, unitPrice: money(row.unitPrice) }));
}

/** The product of this sku as it is priced now. */
export async function readProduct(tx: Database, sku: string): Promise<Product | undefined> {
  const [row] = await tx.select().from(products).where(eq(products.sku, sku));
  return row && { ...row, unitPrice: money(row.unitPrice) };
}

const isItem = (cartId: number, sku: string) => and(eq(cartItems.cartId, cartId), eq(cartItems.sku, sku));
