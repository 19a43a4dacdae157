import { cartContract } from '@diptych/contracts/cart-events';
import { Inbox } from '@diptych/inbox/inbox';
import { createInbox } from '@diptych/inbox/inbox-table';
import { createLogger } from '@diptych/runtime/log';
import type { Pool } from 'pg';

/** Adds up what was checked out. It runs until `stop`. */
export function countRevenue({ pool, brokers, topic }: { pool: Pool; brokers: string[]; topic: string }) {
  return new Inbox({
    pool,
    brokers,
    group: 'revenue',
    topics: [topic],
    contracts: cartContract,
    handlers: {
      CartCheckedOut: async ({ payload }, tx) => {
        await tx.query('update revenue set total = total + $1', [payload.totals.total]);
      },
    },
    prepare: async () => {
      await createInbox(pool);
      await pool.query('create table if not exists revenue as select 0.00 as total');
    },
    log: createLogger('revenue'),
  });
}
