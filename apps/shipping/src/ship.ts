/** What shipping does with the checkout of a cart, the one event that it acts on. It holds everything needed. */
import type { cartContract } from '@diptych/contracts/cart-events';
import type { DomainEvent } from '@diptych/inbox/domain-event';
import type { Handlers } from '@diptych/inbox/inbox-options';
import { traced } from '@diptych/inbox/trace-context';
import { OperatingError } from '@diptych/runtime/failure';
import type { Tracer } from '@diptych/runtime/tracing';
import type { ClientBase } from 'pg';
import { insertShipment } from './shipments.ts';

/** Its name in the inbox; another consumer group does not make it another consumer, so a replay ships nothing twice. */
export const consumer = 'shipping';

type CartContract = typeof cartContract;

/** Whatever else happens to carts is passed over. */
export const handlersOf = (tracer: Tracer): Handlers<CartContract> => ({
  CartCheckedOut: traced(tracer, ship),
});

/**
 * Ships the cart, once for the event however long ago it was shipped. Throws OperatingError `event-contradictory`, which is
 * parked; errors of the database pass through.
 */
export async function ship(
  { id, payload: { cartId, lines, totals } }: DomainEvent<CartContract, 'CartCheckedOut'>,
  tx: Pick<ClientBase, 'query'>,
): Promise<void> {
  const { shippedBefore } = await insertShipment(tx, { cartId, lines, total: totals.total, eventId: id });
  // The inbox forgets after a time, a shipment does not.
  if (shippedBefore === undefined || shippedBefore === id.toLowerCase()) return;
  throw contradictory({ cartId, eventId: id, shippedBefore });
}

/** A cart is checked out once. Two different events that say so speak of two carts, and only one of them would be shipped. */
function contradictory(found: { cartId: number; eventId: string; shippedBefore: string }): OperatingError {
  const { cartId, eventId, shippedBefore } = found;
  return new OperatingError(
    'event-contradictory',
    `event ${eventId} checks out cart ${cartId}, which event ${shippedBefore} has checked out before`,
    {
      remedy:
        'Does the topic carry carts of two databases? Give each its own topic and its own shipping database.',
    },
  );
}
