/** The event-sourced cart: nothing is written but its events, and what it is follows from them. */
import { cartContract, esCartAggregateType } from '@diptych/contracts/cart-events';
import type { CartState } from '@diptych/contracts/cart-state';
import { cartStatuses } from '@diptych/contracts/cart-states';
import { moneySchema } from '@diptych/contracts/money';
import { AggregateStore } from '@diptych/journal/aggregate-store';
import { Journal } from '@diptych/journal/journal';
import { Snapshots } from '@diptych/journal/snapshots';
import { assert, present } from '@diptych/runtime/assert';
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { cartDecider } from './cart-decider.ts';
import type { CartStore } from './cart-store.ts';
import { esCartIds } from './tables.ts';

const storedCart = z.strictObject({
  cartId: z.int(),
  status: z.enum(cartStatuses),
  version: z.int(),
  lines: z.array(
    z.strictObject({ sku: z.string(), name: z.string(), quantity: z.int(), unitPrice: moneySchema }),
  ),
  discounts: z.array(z.strictObject({ code: z.string(), amount: moneySchema })),
});

const journal = new Journal({ type: esCartAggregateType, contract: cartContract });
const carts = new AggregateStore({
  journal,
  decider: cartDecider,
  snapshots: new Snapshots<CartState | undefined>({
    // A page of a hundred events is read in a few milliseconds.
    every: 100,
    stateVersion: 1,
    read: (stored) => storedCart.safeParse(stored).data,
  }),
});

export const esCarts: CartStore = {
  prefix: '/es',
  journal,
  newId: async (tx) => {
    const { rows } = await tx.execute<{ id: number }>(
      sql`select nextval(${esCartIds.seqName}::regclass)::int as id`,
    );
    return present(rows[0], 'the next id of a sequence').id;
  },
  read: async (tx, cartId) => {
    const loaded = await carts.load(tx, String(cartId));
    assert(loaded.ok, 'now is a moment of every cart');
    return loaded.state;
  },
  readAt: (tx, cartId, at) => carts.load(tx, String(cartId), { at }),
  change: async (tx, { cartId, intent, telling }) => {
    const executed = await carts.execute(tx, { id: String(cartId), command: intent, telling });
    if (!executed.ok) return executed;
    return { ok: true, cart: present(executed.state, 'the cart after its events') };
  },
};
