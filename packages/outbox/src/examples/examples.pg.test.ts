/** What docs/outbox.md shows is what runs here: the page's code and these files are one text. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cartContract } from '@diptych/contracts/cart-events';
import { testDatabase } from '@diptych/testkit/for-tests';
import { drizzle } from 'drizzle-orm/node-postgres';
import knex from 'knex';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { append } from '../append.ts';
import { outboxTables } from '../tables.ts';
import { openCart as openByDrizzle } from './drizzle-for-tests.ts';
import { knexPort } from './knex-for-tests.ts';
import { kyselyPort } from './kysely-for-tests.ts';
import { openCart as openByPg } from './pg-for-tests.ts';

const emissions = [
  { tag: 'table', table: 'outbox' },
  { tag: 'delete', table: 'outbox' },
  { tag: 'message', name: 'outbox' },
] as const;
/** bigint, int and text. https://www.postgresql.org/docs/18/catalog-pg-type.html */
const knownEverywhere: ReadonlySet<number> = new Set([20, 23, 25]);

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: pg.Pool;

beforeAll(async () => {
  database = await testDatabase();
  pool = new pg.Pool({ connectionString: database.url });
  await pool.query(outboxTables);
});
afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

const opened = (cartId: number) => ({
  aggregate: { type: 'cart', id: String(cartId) },
  events: {
    type: 'CartOpened' as const,
    payload: { cartId, actor: 'ann', totals: { subtotal: '0.00', discount: '0.00', total: '0.00' } },
  },
  contract: cartContract,
  expectedVersion: 0n,
  telling: { actor: 'ann', correlationId: 'visit-7' },
});

/** Opens the cart and rolls back when told to, with each library. */
const libraries: Record<string, (cartId: number) => Promise<{ readonly ok: boolean }>> = {
  'drizzle-orm': (cartId) => openByDrizzle(drizzle({ client: pool }), cartId),
  pg: async (cartId) => {
    const client = await pool.connect();
    try {
      await client.query('begin');
      const appended = await openByPg(client, cartId);
      await client.query('commit');
      return appended;
    } finally {
      client.release();
    }
  },
  kysely: async (cartId) => {
    const db = new Kysely<unknown>({
      dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: database.url }) }),
    });
    try {
      return await db.transaction().execute((tx) => append(kyselyPort(tx), opened(cartId)));
    } finally {
      await db.destroy();
    }
  },
  knex: async (cartId) => {
    const db = knex({ client: 'pg', connection: database.url });
    try {
      return await db.transaction((tx) => append(knexPort(tx), opened(cartId)));
    } finally {
      await db.destroy();
    }
  },
};

test.each(Object.keys(libraries))(
  '%s appends in its own transaction, and sees a conflict as a value',
  async (name) => {
    const cartId = 101 + Object.keys(libraries).indexOf(name);
    const open = libraries[name] ?? (() => Promise.reject(new Error('no such library')));
    expect(await open(cartId)).toMatchObject({ ok: true, firstVersion: 1n, version: 1n });
    expect(await open(cartId)).toEqual({ ok: false, reason: 'version-conflict' });
    const { rows } = await pool.query('select * from outbox where aggregateid = $1', [cartId]);
    expect(rows).toMatchObject([
      {
        type: 'CartOpened',
        typeversion: 1,
        aggregateversion: '1',
        headers: { actor: 'ann', correlationId: 'visit-7' },
        payload: { cartId, actor: 'ann' },
      },
    ]);
  },
);

test('a pool is refused, by the compiler and when running: its statements have no transaction in common', async () => {
  // @ts-expect-error a pool is no open transaction
  await expect(append(pool, opened(900))).rejects.toThrow('not a pool');
});

test('the code of docs/outbox.md is the code that runs here', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/outbox.md'), 'utf8');
  const files = readdirSync(import.meta.dirname).filter((name) => !name.includes('.test.'));
  expect(files).not.toEqual([]);
  for (const name of files) {
    const code = readFileSync(join(import.meta.dirname, name), 'utf8');
    expect(page, name).toContain(`\`\`\`ts\n${code}\`\`\``);
  }
});

test('no way to emit is answered in a type that a library may refuse: Prisma knows no pg_lsn', async () => {
  const typesOfPostgres = new Set<number>();
  const client = await pool.connect();
  try {
    await client.query('begin');
    const port = {
      rows: async (text: string, values: readonly (string | null)[]) => {
        const { rows, fields } = await client.query(text, [...values]);
        for (const { dataTypeID } of fields) typesOfPostgres.add(dataTypeID);
        return rows as unknown[];
      },
    };
    for (const [index, emission] of emissions.entries())
      await append(port, { ...opened(700 + index), emission, context: true });
    await client.query('rollback');
  } finally {
    client.release();
  }
  expect([...typesOfPostgres].filter((type) => !knownEverywhere.has(type))).toEqual([]);
});
