/** The cart's tables: per transaction two row changes and one event. */
import { migrate } from '@diptych/cart-app/migrations';
import { queryAt } from '../bridge.ts';
import { type Backlog, type Capture, lastXidOf, unsynchronised, type Workload } from './backlog.ts';

/** The other tables of the cart have no changes in the backlog: they would only have topics. */
export const cartCapture: Capture = {
  tables: ['public.carts', 'public.cart_items'],
  aggregateTypes: ['cart'],
  source: 'stream',
};

/** Each cart gets so many items. */
const itemsPerCart = 10;
const writers = 2;

/** So many drains of ours warm the broker up: its compilers take 3 s of the first one’s processor time, and still one of the fourth’s. */
const warmUpsOfOurs = 10;

/** Who drains before anything counts: theirs once too, because the broker’s way of their batches is another one. */
export function cartWarmUps<T>({ ours, theirs }: { readonly ours: T; readonly theirs: T }): T[] {
  const half = new Array<T>(warmUpsOfOurs / 2).fill(ours);
  return [...half, theirs, ...half];
}

/** A backlog of so many transactions. */
export function cartWorkload(transactions: number): Workload {
  return {
    ...cartCapture,
    prepare: (databaseUrl) => prepare(databaseUrl, transactions),
    write: (databaseUrl) => write(databaseUrl, transactions),
  };
}

async function prepare(databaseUrl: string, transactions: number): Promise<void> {
  await migrate(databaseUrl);
  await queryAt(
    databaseUrl,
    `insert into carts (id, opened_at, updated_at) overriding system value
       select 100 + n, now(), now() from generate_series(1, ${Math.ceil(transactions / itemsPerCart)}) n;
     ${writer}`,
  );
}

/** An item into a cart, as `POST /carts/:id/items` writes it, without the version that the heads of the outbox give. */
const writer = `
  create procedure bench_write(first int, last int) language plpgsql as $$
  declare
    cart int;
    item products%rowtype;
    items products[] := array(select p from products p order by sku);
  begin
    for n in first..last loop
      cart := 101 + n / ${itemsPerCart};
      item := items[1 + n % ${itemsPerCart}];
      update carts set version = version + 1, updated_at = now() where id = cart;
      insert into cart_items (cart_id, sku, name, quantity, unit_price) values (cart, item.sku, item.name, 1, item.unit_price);
      insert into outbox (id, aggregatetype, aggregateid, type, payload, aggregateversion, headers) values (gen_random_uuid(), 'cart',
        cart::text, 'ItemAdded', jsonb_build_object('cartId', cart, 'sku', item.sku, 'name', item.name, 'quantity', 1, 'unitPrice',
        item.unit_price::text, 'actor', 'shopper-' || n % 97, 'reason', 'picked from the shelf'), 1 + n % ${itemsPerCart}, '{}');
      commit;
    end loop;
  end $$`;

/** Writes the backlog as fast as it goes. */
async function write(databaseUrl: string, transactions: number): Promise<Backlog> {
  const last = transactions - 1;
  const share = Math.ceil(last / writers / itemsPerCart) * itemsPerCart;
  const parts = Array.from({ length: writers }, (_, index) => ({
    first: index * share,
    last: Math.min((index + 1) * share, last) - 1,
  }));
  // COMMIT inside needs a statement of its own, outside of any transaction.
  const url = unsynchronised(databaseUrl);
  await Promise.all(parts.map((part) => queryAt(url, `call bench_write(${part.first}, ${part.last})`)));
  // Alone, so that whoever has it has everything; it also sees to it that all of it is on disk.
  await queryAt(databaseUrl, `call bench_write(${last}, ${last})`);
  const lastXid = await lastXidOf(databaseUrl, 'select max(xid::text::bigint)::text as xid from outbox');
  return { transactions, changes: 2 * transactions, events: transactions, lastXid };
}
