/** Carts that are open and that nobody has touched for a time, by the times of the events: nothing was told of their end. */
import type { Tx } from '@diptych/projection/projection';
import { type CartProjection, cartKey } from './cart-key.ts';

const schema = `
create table open_carts (
  aggregate_type text not null,
  cart_id bigint not null,
  touched_at timestamptz not null,
  touched_by text not null,
  total numeric(12,2) not null,
  primary key (aggregate_type, cart_id)
);
create index on open_carts (touched_at)`;

export const abandonedCarts: CartProjection = {
  name: 'abandoned_carts',
  version: 1,
  schema,
  shows: ['open_carts'],
  apply: async (event, tx) => {
    const key = cartKey(event);
    if (event.type === 'CartCheckedOut' || event.type === 'CartAbandoned') {
      await tx.query('delete from open_carts where aggregate_type = $1 and cart_id = $2', [...key]);
      return;
    }
    const { actor, totals } = event.payload;
    await tx.query(
      `insert into open_carts values ($1, $2, $3, $4, $5)
       on conflict (aggregate_type, cart_id) do update set
         touched_at = excluded.touched_at, touched_by = excluded.touched_by, total = excluded.total`,
      [...key, event.time, actor, totals.total],
    );
  },
};

/** A cart as HTTP shows it. */
export interface AbandonedCart {
  readonly aggregateType: string;
  readonly cartId: number;
  readonly touchedAt: Date;
  readonly touchedBy: string;
  /** What is lost if nobody comes back. */
  readonly total: string;
}

interface OpenRow {
  readonly aggregate_type: string;
  readonly cart_id: string;
  readonly touched_at: Date;
  readonly touched_by: string;
  readonly total: string;
}

/** Open carts that were last touched before the moment, those first that were left first. */
export async function readAbandonedCarts(
  database: Tx,
  { before, limit }: { before: Date; limit: number },
): Promise<AbandonedCart[]> {
  const { rows } = await database.query<OpenRow>(
    `select * from projections.open_carts where touched_at < $1 order by touched_at, aggregate_type, cart_id limit $2`,
    [before, limit],
  );
  return rows.map((row) => ({
    ...{ aggregateType: row.aggregate_type, cartId: Number(row.cart_id) },
    ...{ touchedAt: row.touched_at, touchedBy: row.touched_by, total: row.total },
  }));
}
