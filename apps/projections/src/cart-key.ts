import type { CartEvent, cartContract } from '@diptych/contracts/cart-events';
import type { Told } from '@diptych/inbox/domain-event';
import type { Projection } from '@diptych/projection/projection';

/** A projection of the events of carts, of both kinds. */
export type CartProjection = Projection<typeof cartContract>;

/** Which cart: both kinds count their carts by the same numbers, or may. */
export type CartKey = readonly [aggregateType: string, cartId: number];

/** The aggregate type is what the topic is called after its last dot: `cart`, `es-cart`. */
export function cartKey({ at, payload }: Pick<Told, 'at'> & Pick<CartEvent, 'payload'>): CartKey {
  return [at.topic.slice(at.topic.lastIndexOf('.') + 1), payload.cartId];
}
