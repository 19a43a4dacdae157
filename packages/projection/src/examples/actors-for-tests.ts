import { cartContract } from '@diptych/contracts/cart-events';
import type { Projection } from '@diptych/projection/projection';
import { Projections } from '@diptych/projection/projections';
import { createLogger } from '@diptych/runtime/log';
import type { Pool } from 'pg';

/** Who does how much to carts. Raise `version` with each change: a service that starts with it rebuilds by itself. */
export const actors: Projection<typeof cartContract> = {
  name: 'actors',
  version: 1,
  schema: 'create table actors (actor text primary key, events bigint not null)',
  shows: ['actors'],
  apply: async ({ payload: { actor } }, tx) => {
    await tx.query(
      `insert into actors as before values ($1, 1)
       on conflict (actor) do update set events = before.events + 1`,
      [actor],
    );
  },
};

/** Runs until `stop`. `pool` has at least `connectionsOf(1)` connections; `rebuild('actors')` builds it again meanwhile. */
export function followActors({ pool, brokers, topics }: { pool: Pool; brokers: string[]; topics: string[] }) {
  return new Projections({
    ...{ pool, brokers, topics, group: 'actors' },
    contracts: cartContract,
    projections: [actors],
    log: createLogger('actors'),
  });
}
