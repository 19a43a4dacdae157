import type { Pool, PoolClient } from 'pg';
import { inTransaction } from './transaction.ts';

export interface Delivery {
  readonly pool: Pool;
  /** Who handles the event: each consumer of the same database does so once for itself. */
  readonly consumer: string;
  /** The record's `id` header, a UUID: the same however often the event is delivered. */
  readonly eventId: string;
  /**
   * What the event does to the database, all of it through `tx`, which it neither commits nor rolls back. It may run
   * again when the transaction fails, so it does nothing that a rollback cannot undo.
   */
  readonly effect: (tx: PoolClient) => Promise<void>;
}

/**
 * Gives an event its effect once, however often and by however many processes it is delivered: the inbox row and the
 * effect are committed together, or neither is. A second delivery waits at the row for the first to end; it answers
 * `repeated` when that committed and takes over when it did not.
 *
 * Errors of the database and of `effect` pass through: the event is not handled, and has to be delivered again. So it is
 * when the connection breaks during COMMIT; the inbox row then tells whether it was handled.
 */
export async function handleOnce({
  pool,
  consumer,
  eventId,
  effect,
}: Delivery): Promise<'handled' | 'repeated'> {
  return inTransaction(pool, async (tx) => {
    // https://www.postgresql.org/docs/18/sql-insert.html#SQL-ON-CONFLICT
    const { rowCount } = await tx.query(
      'insert into inbox (consumer, event_id) values ($1, $2) on conflict do nothing',
      [consumer, eventId],
    );
    if (rowCount === 0) return 'repeated';
    await effect(tx);
    return 'handled';
  });
}
