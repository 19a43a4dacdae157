/** Whether both carts are the same: what each is now, and what was told of it, but for its own id. */
import type { CartStore } from '@diptych/cart-app/cart-store';
import { viewCart } from '@diptych/cart-app/cart-view';
import { crudCarts } from '@diptych/cart-app/crud-carts';
import { openPool, withConnection } from '@diptych/cart-app/database';
import { esCarts } from '@diptych/cart-app/es-carts';
import { cartAggregateType, esCartAggregateType } from '@diptych/contracts/cart-events';
import { createLogger } from '@diptych/runtime/log';
import type { Bridge } from '../bridge.ts';
import type { Pair } from './shopping.ts';

export interface Disagreement {
  readonly pair: Pair;
  /** What they are, or what was told of them. */
  readonly in: 'state' | 'history';
}

const lanes = 4;

/** Compares each pair. */
export async function compareCarts(
  bridge: Bridge,
  { pairs, signal }: { pairs: readonly Pair[]; signal: AbortSignal },
): Promise<Disagreement[]> {
  const histories = await readHistories(bridge);
  const found: Disagreement[] = [];
  const pool = openPool({
    databaseUrl: bridge.databaseUrl,
    log: createLogger('agreement', { level: 'error' }),
  });
  const waiting = pairs.values();
  const stateOf = (store: CartStore, cartId: number) =>
    withConnection(pool, async (database) => {
      const cart = await store.read(database, cartId);
      return cart && JSON.stringify({ ...viewCart(cart), id: 0 });
    });
  const lane = async () => {
    for (const pair of waiting) {
      signal.throwIfAborted();
      const [rows, events] = await Promise.all([stateOf(crudCarts, pair.crud), stateOf(esCarts, pair.es)]);
      if (rows === undefined || rows !== events) found.push({ pair, in: 'state' });
      const told = histories.get(`${cartAggregateType} ${pair.crud}`);
      if (told === undefined || told !== histories.get(`${esCartAggregateType} ${pair.es}`))
        found.push({ pair, in: 'history' });
    }
  };
  try {
    await Promise.all(Array.from({ length: lanes }, lane));
  } finally {
    await pool.end();
  }
  return found;
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
