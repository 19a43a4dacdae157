import { handleOnce } from '@diptych/inbox/handle-once';
import type { Pool } from 'pg';

/** Called by a consumer of your own, which commits its offset afterwards. */
export async function addOnce(pool: Pool, { eventId, total }: { eventId: string; total: string }) {
  return await handleOnce({
    pool,
    consumer: 'revenue',
    eventId,
    effect: async (tx) => {
      await tx.query('update revenue set total = total + $1', [total]);
    },
  });
}
