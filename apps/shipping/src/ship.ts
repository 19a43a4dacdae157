/** What shipping does with one record of the cart's topic. */
import { type CartPayload, cartContract, readCartEvent } from '@diptych/contracts/cart-events';
import { type DomainEventHeaders, malformed, readHeaders, readPayload } from '@diptych/inbox/domain-event';
import { handleOnce } from '@diptych/inbox/handle-once';
import type { IncomingRecord } from '@diptych/kafka/record';
import { OperatingError } from '@diptych/runtime/failure';
import type { Pool } from 'pg';
import { insertShipment } from './shipments.ts';

/** Its name in the inbox; another consumer group does not make it another consumer, so a replay ships nothing twice. */
const consumer = 'shipping';

/** The one event that shipping acts on. It holds everything needed. */
const shippedOn = 'CartCheckedOut';

/**
 * Ships the cart when the record is its checkout, once for the event however often it is delivered. Other events of the
 * cart are passed over. Throws OperatingError `event-malformed` or `event-contradictory`, in front of which the consumer
 * has to stop; errors of the database pass through, after which the record has to be delivered again.
 */
export async function ship(
  pool: Pool,
  record: IncomingRecord,
): Promise<'shipped' | 'repeated' | 'passed-over'> {
  const headers = readHeaders(record);
  if (headers.type !== shippedOn) return 'passed-over';
  const { cartId, lines, totals } = readCheckout(record, headers);
  const outcome = await handleOnce({
    pool,
    consumer,
    eventId: headers.id,
    effect: async (tx) => {
      const shipment = { cartId, lines, total: totals.total, eventId: headers.id };
      const { shippedBefore } = await insertShipment(tx, shipment);
      if (shippedBefore !== undefined) throw contradictory({ cartId, eventId: headers.id, shippedBefore });
    },
  });
  return outcome === 'handled' ? 'shipped' : 'repeated';
}

function readCheckout(
  record: IncomingRecord,
  { type, version }: DomainEventHeaders,
): CartPayload<'CartCheckedOut'> {
  const { typeversion } = cartContract[shippedOn];
  if (version !== typeversion) {
    throw malformed(record, `${type} has version ${version}, known is ${typeversion}`);
  }
  const read = readCartEvent({ type, payload: readPayload(record) });
  if (!read.ok) throw malformed(record, `${read.reason}: ${read.detail}`);
  if (read.event.type !== shippedOn) throw malformed(record, `it was read as ${read.event.type}`);
  return read.event.payload;
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
