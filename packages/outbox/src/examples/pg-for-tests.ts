import { cartContract } from '@diptych/contracts/cart-events';
import { append } from '@diptych/outbox/append';
import type { PoolClient } from 'pg';

/** `client` has begun a transaction, and wrote the cart's row in it. */
export async function openCart(client: PoolClient, cartId: number) {
  const totals = { subtotal: '0.00', discount: '0.00', total: '0.00' };
  return await append(client, {
    aggregate: { type: 'cart', id: String(cartId) },
    events: { type: 'CartOpened', payload: { cartId, actor: 'ann', totals } },
    contract: cartContract,
    expectedVersion: 0n,
    telling: { actor: 'ann', correlationId: 'visit-7' },
  });
}
