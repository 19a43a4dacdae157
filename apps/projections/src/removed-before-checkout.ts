/**
 * What customers put into carts and took out again before they checked out: no row has ever known it. Every taking out counts,
 * of a whole line or of some pieces, also of a product that came back later; a cart that was never checked out does not.
 */
import { type Money, times } from '@diptych/contracts/money';
import type { Tx } from '@diptych/projection/projection';
import { type CartKey, type CartProjection, cartKey } from './cart-key.ts';

const schema = `
create table removals (
  aggregate_type text not null,
  cart_id bigint not null,
  sku text not null,
  name text not null,
  times bigint not null,
  pieces bigint not null,
  worth numeric(30,2) not null,
  is_checked_out boolean not null default false,
  primary key (aggregate_type, cart_id, sku)
);
create view removed_before_checkout as
  select aggregate_type, sku, max(name) as name, count(*) as carts, sum(times)::bigint as times,
         sum(pieces)::bigint as pieces, sum(worth) as worth
  from removals where is_checked_out group by aggregate_type, sku`;

interface TakenOut {
  readonly sku: string;
  readonly name: string;
  readonly unitPrice: Money;
  readonly pieces: number;
}

export const removedBeforeCheckout: CartProjection = {
  name: 'removed_before_checkout',
  version: 1,
  schema,
  shows: ['removed_before_checkout'],
  apply: async (event, tx) => {
    const key = cartKey(event);
    if (event.type === 'ItemRemoved') {
      const { sku, name, unitPrice, quantity } = event.payload;
      await takeOut(tx, key, { sku, name, unitPrice, pieces: quantity });
    } else if (event.type === 'QuantityChanged') {
      const { sku, name, unitPrice, previousQuantity, quantity } = event.payload;
      if (quantity < previousQuantity)
        await takeOut(tx, key, { sku, name, unitPrice, pieces: previousQuantity - quantity });
    } else if (event.type === 'CartCheckedOut') {
      await tx.query('update removals set is_checked_out = true where aggregate_type = $1 and cart_id = $2', [
        ...key,
      ]);
    }
  },
};

async function takeOut(tx: Tx, key: CartKey, { sku, name, unitPrice, pieces }: TakenOut): Promise<void> {
  await tx.query(
    `insert into removals as before values ($1, $2, $3, $4, 1, $5, $6)
     on conflict (aggregate_type, cart_id, sku) do update set name = excluded.name, times = before.times + 1,
       pieces = before.pieces + excluded.pieces, worth = before.worth + excluded.worth`,
    [...key, sku, name, pieces, times(unitPrice, pieces)],
  );
}

/** A product as HTTP shows it. */
export interface RemovedProduct {
  readonly aggregateType: string;
  readonly sku: string;
  readonly name: string;
  /** Checked out without it, or with less of it than there had been. */
  readonly carts: number;
  readonly times: number;
  readonly pieces: number;
  /** What the pieces would have come to, at the price of their cart. */
  readonly worth: string;
}

type RemovedRow = Pick<RemovedProduct, 'aggregateType' | 'sku' | 'name' | 'worth'> &
  Readonly<Record<'carts' | 'times' | 'pieces', string>>;

/** What would have brought most first. */
export async function readRemovedBeforeCheckout(
  database: Tx,
  { limit }: { limit: number },
): Promise<RemovedProduct[]> {
  const { rows } = await database.query<RemovedRow>(
    `select aggregate_type as "aggregateType", sku, name, carts, times, pieces, worth
     from projections.removed_before_checkout order by removed_before_checkout.worth desc, sku, aggregate_type limit $1`,
    [limit],
  );
  return rows.map((row) => ({
    ...row,
    ...{ carts: Number(row.carts), times: Number(row.times), pieces: Number(row.pieces) },
  }));
}
