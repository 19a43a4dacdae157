/** What each cart holds now: the fold of its events, kept. */
import { evolve } from '@diptych/contracts/cart-fold';
import { type AppliedDiscount, type CartState, type Line, totalsOf } from '@diptych/contracts/cart-state';
import type { CartStatus } from '@diptych/contracts/cart-states';
import type { Tx } from '@diptych/projection/projection';
import type { CartKey, CartProjection } from './cart-key.ts';
import { cartKey } from './cart-key.ts';

const schema = `
create table current_carts (
  aggregate_type text not null,
  cart_id bigint not null,
  status text not null,
  version bigint not null,
  lines jsonb not null,
  discounts jsonb not null,
  subtotal numeric(12,2) not null,
  discount numeric(12,2) not null,
  total numeric(12,2) not null,
  opened_at timestamptz not null,
  changed_at timestamptz not null,
  primary key (aggregate_type, cart_id)
)`;

/** A cart whose beginning is not in the topic is not there. */
export const currentCarts: CartProjection = {
  name: 'current_carts',
  version: 1,
  schema,
  shows: ['current_carts'],
  apply: async (event, tx) => {
    const key = cartKey(event);
    const after = evolve(await readState(tx, key), event);
    if (after) await writeState(tx, { key, after, at: event.time });
  },
};

interface StateRow {
  readonly status: CartStatus;
  readonly version: string;
  readonly lines: readonly Line[];
  readonly discounts: readonly AppliedDiscount[];
}

async function readState(tx: Tx, key: CartKey): Promise<CartState | undefined> {
  const { rows } = await tx.query<StateRow>(
    'select status, version, lines, discounts from current_carts where aggregate_type = $1 and cart_id = $2',
    [...key],
  );
  const [row] = rows;
  return row && { ...row, cartId: key[1], version: Number(row.version) };
}

async function writeState(
  tx: Tx,
  { key, after, at }: { key: CartKey; after: CartState; at: Date },
): Promise<void> {
  const { status, version, lines, discounts } = after;
  const { subtotal, discount, total } = totalsOf(after);
  await tx.query(
    `insert into current_carts values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
     on conflict (aggregate_type, cart_id) do update set
       status = excluded.status, version = excluded.version, lines = excluded.lines, discounts = excluded.discounts,
       subtotal = excluded.subtotal, discount = excluded.discount, total = excluded.total, changed_at = excluded.changed_at`,
    [
      ...key,
      status,
      version,
      JSON.stringify(lines),
      JSON.stringify(discounts),
      subtotal,
      discount,
      total,
      at,
    ],
  );
}

/** A cart as HTTP shows it. */
export interface CurrentCart extends CartState {
  readonly aggregateType: string;
  readonly totals: { readonly subtotal: string; readonly discount: string; readonly total: string };
  readonly openedAt: Date;
  readonly changedAt: Date;
}

interface CartRow extends StateRow {
  readonly aggregate_type: string;
  readonly cart_id: string;
  readonly subtotal: string;
  readonly discount: string;
  readonly total: string;
  readonly opened_at: Date;
  readonly changed_at: Date;
}

/** Carts of a kind, by number: one, or those after a number. */
export async function readCurrentCarts(
  database: Tx,
  {
    aggregateType,
    ...which
  }: { aggregateType: string } & ({ cartId: number } | { after: number; limit: number }),
): Promise<CurrentCart[]> {
  const where = 'cartId' in which ? 'cart_id = $2' : 'cart_id > $2 order by cart_id limit $3';
  const values = 'cartId' in which ? [which.cartId] : [which.after, which.limit];
  const { rows } = await database.query<CartRow>(
    `select * from projections.current_carts where aggregate_type = $1 and ${where}`,
    [aggregateType, ...values],
  );
  return rows.map(({ subtotal, discount, total, ...row }) => ({
    aggregateType: row.aggregate_type,
    cartId: Number(row.cart_id),
    ...{ status: row.status, version: Number(row.version), lines: row.lines, discounts: row.discounts },
    totals: { subtotal, discount, total },
    ...{ openedAt: row.opened_at, changedAt: row.changed_at },
  }));
}
