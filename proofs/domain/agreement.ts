/** Whether both carts are the same: what each is now, what was told of it, and what is projected of it, but for its own id. */
import type { CartStore } from '@diptych/cart-app/cart-store';
import { crudCarts } from '@diptych/cart-app/crud-carts';
import { openPool, withConnection } from '@diptych/cart-app/database';
import { esCarts } from '@diptych/cart-app/es-carts';
import { cartAggregateType, esCartAggregateType } from '@diptych/contracts/cart-events';
import { type CartState, type Totals, totalsOf } from '@diptych/contracts/cart-state';
import { readCurrentCarts } from '@diptych/projections-app/current-carts';
import { createLogger } from '@diptych/runtime/log';
import pg from 'pg';
import type { Bridge } from '../bridge.ts';
import type { Reader } from './services.ts';
import type { Pair } from './shopping.ts';
import { aggregateTypes } from './told.ts';

export interface Disagreement {
  readonly pair: Pair;
  /** What they are, what was told of them, or what the projection of current carts shows of either. */
  readonly in: 'state' | 'history' | 'projection';
}

const lanes = 4;
const pageRows = 2000;

/** Compares each pair. */
export async function compareCarts(
  bridge: Bridge,
  { pairs, projections, signal }: { pairs: readonly Pair[]; projections: Reader; signal: AbortSignal },
): Promise<Disagreement[]> {
  const histories = await readHistories(bridge);
  const projected = await readProjected(projections.databaseUrl);
  const found: Disagreement[] = [];
  const pool = openPool({
    databaseUrl: bridge.databaseUrl,
    log: createLogger('agreement', { level: 'error' }),
  });
  const waiting = pairs.values();
  const stateOf = (store: CartStore, cartId: number) =>
    withConnection(pool, async (database) => {
      const cart = await store.read(database, cartId);
      return cart && textOf({ ...cart, totals: totalsOf(cart) });
    });
  const lane = async () => {
    for (const pair of waiting) {
      signal.throwIfAborted();
      const [rows, events] = await Promise.all([stateOf(crudCarts, pair.crud), stateOf(esCarts, pair.es)]);
      if (rows === undefined || rows !== events) found.push({ pair, in: 'state' });
      const told = histories.get(`${cartAggregateType} ${pair.crud}`);
      if (told === undefined || told !== histories.get(`${esCartAggregateType} ${pair.es}`))
        found.push({ pair, in: 'history' });
      const shown = [
        projected.get(`${cartAggregateType} ${pair.crud}`),
        projected.get(`${esCartAggregateType} ${pair.es}`),
      ];
      if (shown.some((text) => text !== rows)) found.push({ pair, in: 'projection' });
    }
  };
  try {
    await Promise.all(Array.from({ length: lanes }, lane));
  } finally {
    await pool.end();
  }
  return found;
}

/** All that a cart is but for its id, whatever order its fields were read in. */
function textOf({
  status,
  version,
  lines,
  discounts,
  totals,
}: Omit<CartState, 'cartId'> & { totals: Readonly<Record<keyof Totals, string>> }): string {
  return JSON.stringify([
    ...[status, version, totals.subtotal, totals.discount, totals.total],
    lines.map(({ sku, name, quantity, unitPrice }) => [sku, name, quantity, unitPrice]),
    discounts.map(({ code, amount }) => [code, amount]),
  ]);
}

/** What the projection of current carts shows, by aggregate type and id. */
async function readProjected(databaseUrl: string): Promise<ReadonlyMap<string, string>> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const projected = new Map<string, string>();
  try {
    for (const aggregateType of aggregateTypes) {
      for (let after = 0, isMore = true; isMore; ) {
        const carts = await readCurrentCarts(client, { aggregateType, after, limit: pageRows });
        for (const cart of carts) projected.set(`${aggregateType} ${cart.cartId}`, textOf(cart));
        after = carts.at(-1)?.cartId ?? after;
        isMore = carts.length === pageRows;
      }
    }
    return projected;
  } finally {
    await client.end();
  }
}

/** By aggregate type and id: 32 hexadecimal digits of all that was told of it. */
async function readHistories(bridge: Bridge): Promise<ReadonlyMap<string, string>> {
  const streams = await bridge.query<{ stream: string; told: string }>(
    `select aggregatetype || ' ' || aggregateid as stream,
       md5(string_agg(concat_ws(' ', aggregateversion, type, typeversion, payload - 'cartId'), E'\\n'
         order by aggregateversion)) as told
     from outbox group by aggregatetype, aggregateid`,
  );
  return new Map(streams.map(({ stream, told }) => [stream, told]));
}
