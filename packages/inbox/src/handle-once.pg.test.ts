import { randomUUID } from 'node:crypto';
import { poll } from '@diptych/runtime/poll';
import { testDatabase } from '@diptych/testkit/for-tests';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { handleOnce } from './handle-once.ts';
import { createInbox } from './inbox-table.ts';
import { RolledBackError } from './transaction.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: pg.Pool;

beforeEach(async () => {
  database = await testDatabase();
  pool = new pg.Pool({ connectionString: database.url });
  pool.on('error', () => undefined);
  await inOwnSession(createInbox);
  await pool.query('create table effects (event_id uuid not null)');
});

afterEach(async () => {
  await pool.end();
  await database.drop();
});

async function inOwnSession(work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client(database.url);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

/** Delivers the event once; its effect is a row. */
function deliver(
  eventId: string,
  {
    consumer = 'tester',
    meanwhile = async () => undefined,
  }: { consumer?: string; meanwhile?: Meanwhile } = {},
) {
  return handleOnce({
    pool,
    consumer,
    eventId,
    effect: async (tx) => {
      await tx.query('insert into effects values ($1)', [eventId]);
      await meanwhile(tx);
    },
  });
}
type Meanwhile = (tx: pg.PoolClient) => Promise<void>;

async function count(table: 'inbox' | 'effects'): Promise<number> {
  const { rows } = await pool.query<{ n: number }>(`select count(*)::int as n from ${table}`);
  return rows[0]?.n ?? -1;
}

/** Resolves when some session waits for another's transaction, as the second of two deliveries does. */
async function untilOneWaits(): Promise<void> {
  await poll(
    async () => {
      const { rows } = await pool.query(
        "select 1 from pg_stat_activity where datname = current_database() and wait_event = 'transactionid'",
      );
      return rows.length > 0 ? true : undefined;
    },
    { what: 'a session waits for a transaction', timeoutMs: 10_000 },
  );
}

test('an event that is delivered again has its effect once', async () => {
  const eventId = randomUUID();
  expect(await deliver(eventId)).toBe('handled');
  expect(await deliver(eventId)).toBe('repeated');
  expect(await deliver(eventId.toUpperCase())).toBe('repeated');
  expect(await count('effects')).toBe(1);
});

test('each consumer handles the event once for itself', async () => {
  const eventId = randomUUID();
  expect(await deliver(eventId, { consumer: 'one' })).toBe('handled');
  expect(await deliver(eventId, { consumer: 'other' })).toBe('handled');
  expect(await count('effects')).toBe(2);
});

test('a second delivery at the same moment waits for the first, and has no effect when that commits', async () => {
  const eventId = randomUUID();
  const second = Promise.withResolvers<'handled' | 'repeated'>();
  const first = await deliver(eventId, {
    meanwhile: async () => {
      deliver(eventId).then(second.resolve, second.reject);
      await untilOneWaits();
    },
  });
  expect([first, await second.promise]).toEqual(['handled', 'repeated']);
  expect(await count('effects')).toBe(1);
});

test('a second delivery at the same moment takes over when the first fails', async () => {
  const eventId = randomUUID();
  const second = Promise.withResolvers<'handled' | 'repeated'>();
  const first = deliver(eventId, {
    meanwhile: async () => {
      deliver(eventId).then(second.resolve, second.reject);
      await untilOneWaits();
      throw new Error('the first gives up');
    },
  });
  await expect(first).rejects.toThrow('the first gives up');
  expect(await second.promise).toBe('handled');
  expect(await count('effects')).toBe(1);
});

test('of many deliveries at once exactly one has an effect', async () => {
  const eventId = randomUUID();
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => deliver(eventId)));
  expect(outcomes.filter((outcome) => outcome === 'handled')).toHaveLength(1);
  expect(await count('effects')).toBe(1);
});

test('an effect that fails leaves no inbox row, so that the event can be delivered again', async () => {
  const eventId = randomUUID();
  const failing = deliver(eventId, { meanwhile: async () => Promise.reject(new Error('no stock')) });
  await expect(failing).rejects.toThrow('no stock');
  expect([await count('inbox'), await count('effects')]).toEqual([0, 0]);
  expect(await deliver(eventId)).toBe('handled');
});

test('an effect that swallows an error of the database is not taken for handled', async () => {
  const swallowing = deliver(randomUUID(), {
    meanwhile: async (tx) => {
      await tx.query('select 1 / 0').catch(() => undefined);
    },
  });
  await expect(swallowing).rejects.toThrow(RolledBackError);
  expect([await count('inbox'), await count('effects')]).toEqual([0, 0]);
});

test('a connection that the server ends in the middle passes its error on, and the next delivery is handled', async () => {
  const eventId = randomUUID();
  const cut = deliver(eventId, {
    meanwhile: async (tx) => {
      const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
      await pool.query('select pg_terminate_backend($1, 5000)', [rows[0]?.pid]);
    },
  });
  await expect(cut).rejects.toThrow(/connection/i);
  expect([await count('inbox'), await count('effects')]).toEqual([0, 0]);
  expect(await deliver(eventId)).toBe('handled');
});

test('failed deliveries leave no connection behind', async () => {
  for (let delivery = 0; delivery < 25; delivery += 1) {
    const failing = deliver(randomUUID(), { meanwhile: async () => Promise.reject(new Error('no stock')) });
    await expect(failing).rejects.toThrow('no stock');
  }
  expect(pool.totalCount - pool.idleCount).toBe(0);
});

test('the inbox can be created again, and by several processes at once', async () => {
  await pool.query('drop table inbox');
  await Promise.all(Array.from({ length: 8 }, () => inOwnSession(createInbox)));
  expect(await count('inbox')).toBe(0);
});
