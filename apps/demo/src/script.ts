/** What happens in the demo: the worked example, a legacy write, any number of random shoppers. */
import { writeWithoutEvent } from './legacy-writer.ts';
import { openCart, randomFrom, randomSteps, shop, workedExample } from './shopper.ts';

/** What the script planted for the comparison to find. */
export interface Planted {
  /** Carts whose rows a legacy write changed without an event. */
  readonly driftedCarts: readonly number[];
}

/** The worked example on the first cart of each kind, then one legacy write on a second one, which stays open. */
export async function firstShopper({
  cartUrl,
  databaseUrl,
  legacy,
}: {
  cartUrl: string;
  databaseUrl: string;
  legacy: boolean;
}): Promise<Planted> {
  for (const carts of ['/carts', '/es/carts'] as const) {
    const example = await openCart(cartUrl, carts);
    await shop(cartUrl, { cartId: example, steps: workedExample, carts });
  }
  const cartId = await openCart(cartUrl);
  await shop(cartUrl, { cartId, steps: [{ tag: 'add', sku: 'apple' }] });
  if (!legacy) return { driftedCarts: [] };
  await writeWithoutEvent(databaseUrl, { cartId, sku: 'apple' });
  return { driftedCarts: [cartId] };
}

/** Shoppers at a time: enough that their transactions interleave in the WAL. */
const concurrency = 4;

/** `count` random shoppers, a cart each, several at a time. The same seed shops the same. */
export async function randomShoppers({
  cartUrl,
  count,
  seed,
}: {
  cartUrl: string;
  count: number;
  seed: number;
}): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) {
      next += 1;
      const steps = randomSteps(randomFrom(seed + next));
      await shop(cartUrl, { cartId: await openCart(cartUrl), steps });
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
}
