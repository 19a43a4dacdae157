import { cartContract } from '@diptych/contracts/cart-events';
import { append } from '@diptych/outbox/append';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';

export async function openCart(db: NodePgDatabase, cartId: number) {
  const totals = { subtotal: '0.00', discount: '0.00', total: '0.00' };
  return await db.transaction((tx) =>
    append(tx, {
      aggregate: { type: 'cart', id: String(cartId) },
      events: { type: 'CartOpened', payload: { cartId, actor: 'ann', totals } },
      contract: cartContract,
      expectedVersion: 0n,
      telling: { actor: 'ann', correlationId: 'visit-7' },
    }),
  );
}
