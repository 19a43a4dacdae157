import { abandonedCarts } from './abandoned-carts.ts';
import type { CartProjection } from './cart-key.ts';
import { currentCarts } from './current-carts.ts';
import { removedBeforeCheckout } from './removed-before-checkout.ts';
import { revenue } from './revenue.ts';

/** All that this service projects. */
export const cartProjections: readonly CartProjection[] = [
  currentCarts,
  abandonedCarts,
  revenue,
  removedBeforeCheckout,
];
