/** How fast the inbox is: an effect in Postgres for each event, from the beginning of the domain topics, nobody else at work. */
import { cartContract } from '@diptych/contracts/cart-events';
import { cartEventTypes } from '@diptych/contracts/cart-states';
import type { DomainEvent } from '@diptych/inbox/domain-event';
import { Inbox } from '@diptych/inbox/inbox';
import { createInbox } from '@diptych/inbox/inbox-table';
import { createLogger } from '@diptych/runtime/log';
import { poll } from '@diptych/runtime/poll';
import pg from 'pg';

/** As shipping has it. */
const parallelMax = 4;
/** Enough for a figure, also where there are a hundred thousand events. */
const eventsMax = 20_000;
const timeoutMs = 10 * 60_000;

export interface Throughput {
  readonly events: number;
  readonly eventsPerSecond: number;
}

/**
 * A fresh group whose handler of every event writes a row. Measured from the first effect that is committed to the last,
 * or the twenty-thousandth. Throws when they are not there within ten minutes.
 */
export async function measureInbox({
  databaseUrl,
  brokers,
  topics,
  events,
  signal,
}: {
  databaseUrl: string;
  brokers: readonly string[];
  topics: readonly string[];
  /** In the topics. */
  events: number;
  signal: AbortSignal;
}): Promise<Throughput> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: parallelMax + 2 });
  pool.on('error', () => {}); // the next statement says it
  const handle = async ({ id, type, aggregateId }: DomainEvent<typeof cartContract>, tx: pg.PoolClient) => {
    await tx.query('insert into noted (id, type, aggregate) values ($1, $2, $3)', [id, type, aggregateId]);
  };
  const inbox = new Inbox({
    ...{ pool, brokers, topics, parallelMax, group: 'throughput', contracts: cartContract },
    handlers: Object.fromEntries(cartEventTypes.map((type) => [type, handle])),
    prepare: async () => {
      await createInbox(pool);
      await pool.query(
        `create table if not exists noted (id uuid not null, type text not null, aggregate text not null,
           at timestamptz not null default clock_timestamp())`,
      );
    },
    log: createLogger('throughput', { level: 'error' }),
  });
  const wanted = Math.min(events, eventsMax);
  const noted = async () => {
    const { rows } = await pool
      .query<{ n: number; seconds: number }>(
        'select count(*)::int as n, extract(epoch from max(at) - min(at))::float8 as seconds from noted',
      )
      .catch(() => ({ rows: [] }));
    const [row] = rows;
    return row && row.n >= wanted ? row : undefined;
  };
  try {
    const { n, seconds } = await poll(noted, {
      ...{ what: `${wanted} events have their effect`, timeoutMs, intervalMs: 250, signal },
    });
    return { events: n, eventsPerSecond: Math.round(n / seconds) };
  } finally {
    await inbox.stop();
    await pool.end();
  }
}
