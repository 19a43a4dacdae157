/** Transactions of the cart at a steady rate: the server paces itself, so that no client is between them. */
import { present } from '@diptych/runtime/assert';
import { queryAt } from '../bridge.ts';
import type { Workload } from './backlog.ts';
import { cartCapture, cartWorkload } from './cart-workload.ts';

/** Of each session, which writes to carts that are its own. */
const cartsPerSession = 1000;
const sessionsMax = 8;
/** What one session reaches easily where a commit takes a millisecond. */
const perSessionAndSecond = 250;

/** The cart's tables, and nothing that waits. */
export const steadyWorkload: Workload = {
  ...cartCapture,
  prepare: async (databaseUrl) => {
    await cartWorkload(cartsPerSession * sessionsMax * 10).prepare(databaseUrl);
    await queryAt(databaseUrl, writer);
  },
  write: async () => ({ transactions: 0, changes: 0, events: 0, lastXid: 0 }),
};

/**
 * What stands in the payload of each event: microseconds since 1970 by `clock_timestamp()` in the last statement of its
 * transaction.
 */
export const writtenAtField = 'writtenAtUs';

/** Each transaction has its moment; one that is late is made up for at once. Ends by the clock, however many there were. */
const writer = `
  create procedure bench_pace(first_cart int, per_second float8, seconds float8, delay float8, inout commits_us int[]) language plpgsql as $$
  declare
    began timestamptz := clock_timestamp() + delay * interval '1 second';
    due float8;
    elapsed float8;
    written int := 0;
    commit_began timestamptz;
    cart int;
    item products%rowtype;
    items products[] := array(select p from products p order by sku);
  begin
    loop
      due := written / per_second;
      elapsed := extract(epoch from clock_timestamp() - began);
      exit when greatest(due, elapsed) >= seconds;
      if elapsed < due then perform pg_sleep(due - elapsed); end if;
      cart := first_cart + written % ${cartsPerSession};
      item := items[1 + written % 10];
      update carts set version = version + 1, updated_at = now() where id = cart;
      insert into cart_items (cart_id, sku, name, quantity, unit_price) values (cart, item.sku, item.name, 1, item.unit_price)
        on conflict (cart_id, sku) do update set quantity = cart_items.quantity + 1;
      insert into outbox (id, aggregatetype, aggregateid, type, payload, aggregateversion, headers) values (gen_random_uuid(), 'cart',
        cart::text, 'ItemAdded', jsonb_build_object('cartId', cart, 'sku', item.sku, 'name', item.name, 'quantity', 1, 'unitPrice',
        item.unit_price::text, 'actor', 'shopper-' || written % 97, '${writtenAtField}',
        (extract(epoch from clock_timestamp()) * 1000000)::bigint), 1 + written % 10, '{}');
      commit_began := clock_timestamp();
      commit;
      commits_us := commits_us || (extract(epoch from clock_timestamp() - commit_began) * 1000000)::int;
      written := written + 1;
    end loop;
  end $$`;

/** Writes for so long, and answers how long each commit took, in µs: fewer than asked for where the machine cannot. */
export async function writeSteadily(
  databaseUrl: string,
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<Float64Array> {
  const sessions = Math.min(sessionsMax, Math.ceil(perSecond / perSessionAndSecond));
  const share = perSecond / sessions;
  const commits = await Promise.all(
    Array.from({ length: sessions }, async (_, session) => {
      const call = `call bench_pace($1::int, $2::float8, $3::float8, $4::float8, '{}')`;
      // Not all of them in the same moment.
      const values = [101 + session * cartsPerSession, share, seconds, session / perSecond];
      const [row] = await queryAt<{ commits_us: number[] }>(databaseUrl, call, values);
      return present(row, 'an answer').commits_us;
    }),
  );
  return Float64Array.from(commits.flat());
}
