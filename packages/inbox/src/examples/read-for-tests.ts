import { cartContract } from '@diptych/contracts/cart-events';
import { events } from '@diptych/inbox/events';

/** Which carts were checked out so far. */
export async function checkedOut(brokers: string[], topic: string): Promise<Set<number>> {
  const carts = new Set<number>();
  for await (const event of events({ brokers, topics: [topic], contracts: cartContract, until: 'now' })) {
    if (event.type === 'CartCheckedOut') carts.add(event.payload.cartId);
  }
  return carts;
}
