/**
 * What was sold, by the day of the checkout (UTC) and by the discounts that were given. Each partition adds up rows of its own,
 * which the views sum up: two partitions that added to one row would wait for each other.
 */
import type { Tx } from '@diptych/projection/projection';
import { type CartProjection, cartKey } from './cart-key.ts';

// Sums: far more digits than a cart's own money has.
const schema = `
create table daily_revenue (
  aggregate_type text not null,
  day date not null,
  partition integer not null,
  carts bigint not null,
  subtotal numeric(30,2) not null,
  discount numeric(30,2) not null,
  total numeric(30,2) not null,
  primary key (aggregate_type, day, partition)
);
create table discounted_revenue (
  aggregate_type text not null,
  code text not null,
  partition integer not null,
  carts bigint not null,
  discount numeric(30,2) not null,
  total numeric(30,2) not null,
  primary key (aggregate_type, code, partition)
);
create view revenue_per_day as
  select aggregate_type, day, sum(carts)::bigint as carts,
         sum(subtotal) as subtotal, sum(discount) as discount, sum(total) as total
  from daily_revenue group by aggregate_type, day;
create view revenue_per_discount as
  select aggregate_type, code, sum(carts)::bigint as carts, sum(discount) as discount, sum(total) as total
  from discounted_revenue group by aggregate_type, code`;

export const revenue: CartProjection = {
  name: 'revenue',
  version: 1,
  schema,
  shows: ['revenue_per_day', 'revenue_per_discount'],
  apply: async (event, tx) => {
    if (event.type !== 'CartCheckedOut') return;
    const [aggregateType] = cartKey(event);
    const { partition } = event.at;
    const { totals, discounts } = event.payload;
    const day = event.time.toISOString().slice(0, 10);
    await tx.query(
      `insert into daily_revenue as before values ($1, $2, $3, 1, $4, $5, $6)
       on conflict (aggregate_type, day, partition) do update set carts = before.carts + 1,
         subtotal = before.subtotal + excluded.subtotal, discount = before.discount + excluded.discount,
         total = before.total + excluded.total`,
      [aggregateType, day, partition, totals.subtotal, totals.discount, totals.total],
    );
    for (const { code, amount } of discounts) {
      await tx.query(
        `insert into discounted_revenue as before values ($1, $2, $3, 1, $4, $5)
         on conflict (aggregate_type, code, partition) do update set carts = before.carts + 1,
           discount = before.discount + excluded.discount, total = before.total + excluded.total`,
        [aggregateType, code, partition, amount, totals.total],
      );
    }
  },
};

export interface DayOfRevenue {
  readonly aggregateType: string;
  /** `2026-11-21`, in UTC. */
  readonly day: string;
  readonly carts: number;
  readonly subtotal: string;
  readonly discount: string;
  readonly total: string;
}

/** The newest days, the newest first. */
export async function readRevenuePerDay(database: Tx, { limit }: { limit: number }): Promise<DayOfRevenue[]> {
  const { rows } = await database.query<Omit<DayOfRevenue, 'carts'> & { carts: string }>(
    `select aggregate_type as "aggregateType", day::text, carts, subtotal, discount, total
     from projections.revenue_per_day order by revenue_per_day.day desc, aggregate_type limit $1`,
    [limit],
  );
  return rows.map((row) => ({ ...row, carts: Number(row.carts) }));
}

export interface DiscountOfRevenue {
  readonly aggregateType: string;
  readonly code: string;
  /** Checked out with the discount. */
  readonly carts: number;
  /** What was given, negative. */
  readonly discount: string;
  /** What those carts came to. */
  readonly total: string;
}

/** By code. */
export async function readRevenuePerDiscount(
  database: Tx,
  { limit }: { limit: number },
): Promise<DiscountOfRevenue[]> {
  const { rows } = await database.query<Omit<DiscountOfRevenue, 'carts'> & { carts: string }>(
    `select aggregate_type as "aggregateType", code, carts, discount, total
     from projections.revenue_per_discount order by code, aggregate_type limit $1`,
    [limit],
  );
  return rows.map((row) => ({ ...row, carts: Number(row.carts) }));
}
