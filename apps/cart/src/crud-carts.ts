/** Carts as a conventional service keeps them: rows that are changed, and events that tell of it in the same transaction. */
import { type CartEvent, cartAggregateType, cartContract } from '@diptych/contracts/cart-events';
import { evolve } from '@diptych/contracts/cart-fold';
import type { CartState } from '@diptych/contracts/cart-state';
import { AggregateStore } from '@diptych/journal/aggregate-store';
import { Journal } from '@diptych/journal/journal';
import { append } from '@diptych/outbox/append';
import { assert, present } from '@diptych/runtime/assert';
import { cartDecider } from './cart-decider.ts';
import { insertCart, readCart, updateCart, writeContents } from './cart-rows.ts';
import type { CartStore, Change } from './cart-store.ts';
import type { Database } from './database.ts';

const journal = new Journal({ type: cartAggregateType, contract: cartContract });
const past = new AggregateStore({ journal, decider: cartDecider });

export const crudCarts: CartStore = {
  prefix: '',
  journal,
  newId: insertCart,
  read: (tx, cartId) => readCart(tx, { cartId, lock: false }),
  readAt: (tx, cartId, at) => past.load(tx, String(cartId), { at }),
  change: async (tx, change) => {
    const { cartId, isNew, intent } = change;
    const state = isNew ? undefined : await readCart(tx, { cartId, lock: true });
    const decision = cartDecider.decide(state, intent);
    if (!decision.ok) return decision;
    return { ok: true, cart: await write(tx, { ...change, state, events: decision.events }) };
  },
};

interface Happened extends Change {
  readonly state: CartState | undefined;
  readonly events: readonly CartEvent[];
}

/** Rows and outbox, both from the same events. Returns the cart as it is afterwards. */
async function write(tx: Database, { state, cartId, events, telling }: Happened): Promise<CartState> {
  let after = state;
  for (const event of events) {
    after = evolve(after, event);
    await writeContents(tx, event);
  }
  const changed = present(after, 'the cart after its events');
  if (events.length === 0) return changed;
  // A new cart's row was written as it is when its id was drawn.
  if (state) await updateCart(tx, changed);
  const appended = await append(tx, {
    aggregate: { type: cartAggregateType, id: String(cartId) },
    events,
    contract: cartContract,
    telling,
    // A known cart is appended to wherever its head is: a legacy writer may have moved the row's version without events.
    ...(state === undefined ? { expectedVersion: 0n } : {}),
  });
  assert(appended.ok, `cart ${cartId} is new, but the outbox already has events of it`);
  return changed;
}
