/** `diptych price` on a real Postgres: what it says, and that nothing is left of it. */
import { measurePrice, type PriceConnection, type PriceOptions } from '@diptych/compare/price';
import { priceLines } from '@diptych/compare/price-text';
import { testDatabase } from '@diptych/testkit/for-tests';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';

let database: Awaited<ReturnType<typeof testDatabase>>;
let sql: pg.Client;

beforeAll(async () => {
  database = await testDatabase();
  sql = new pg.Client(database.url);
  await sql.connect();
});
afterAll(async () => {
  await sql?.end();
  await database?.drop();
});

const connect = async (): Promise<PriceConnection> => {
  const client = new pg.Client(database.url);
  client.on('error', () => undefined);
  await client.connect();
  return client;
};
const measure = (options: Partial<PriceOptions> = {}) => measurePrice({ connect, seconds: 2, ...options });
const schemas = async (): Promise<string[]> => {
  const { rows } = await sql.query(`select nspname from pg_namespace where nspname ~ '^diptych_price'`);
  return rows.map(({ nspname }) => nspname);
};

test('every way is measured at a bounded pace, each way to tell costs WAL, and nothing is left, also of a killed run', async () => {
  await sql.query(`create schema diptych_price_0123456789ab;
    comment on schema diptych_price_0123456789ab is 'diptych price: scratch tables, may be dropped';
    create schema diptych_price_list`);
  const shares: number[] = [];
  const report = await measure({ onProgress: (share) => void shares.push(share) });
  expect(shares.at(-1)).toBe(1);
  expect(await schemas()).toEqual(['diptych_price_list']);
  const [plain, outbox, deleted, message] = report.ways;
  expect(report.ways.map(({ way }) => way)).toEqual(['plain', 'outbox', 'insert-and-delete', 'message']);
  for (const { transactions, commitMs } of report.ways) {
    expect(transactions).toBeGreaterThanOrEqual(10);
    // Two connections, a hundred a second each, for half a second.
    expect(transactions).toBeLessThanOrEqual(100);
    expect(commitMs.p50).toBeGreaterThan(0);
    expect(commitMs.p99).toBeGreaterThanOrEqual(commitMs.p50);
  }
  const wal = report.ways.map(({ walBytesPerTransaction }) => walBytesPerTransaction);
  for (const more of wal.slice(1)) expect(more).toBeGreaterThan((wal[0] ?? 0) + 200);
  // A message leaves nothing in a table, a kept row and a dead one do.
  expect(message?.tableBytesPerTransaction).toBeLessThan(outbox?.tableBytesPerTransaction ?? 0);
  expect(plain?.tableBytesPerTransaction).toBeLessThan(deleted?.tableBytesPerTransaction ?? 0);
  expect(
    priceLines(report)
      .slice(1, 5)
      .map((line) => line.split(' ')[0]),
  ).toEqual(['plain', 'outbox', 'insert-and-delete', 'message']);
});

test('ended in the middle, or with its connections cut, it leaves nothing either', async () => {
  const stop = new AbortController();
  const ended = measure({
    seconds: 600,
    signal: stop.signal,
    onProgress: () => undefined,
    connect: async () => {
      const connection = await connect();
      let statements = 0;
      return {
        query: async (text) => {
          statements += 1;
          if (statements === 40) stop.abort(new Error('Ctrl-C'));
          return await connection.query(text);
        },
        end: () => connection.end(),
      };
    },
  });
  await expect(ended).rejects.toThrow('Ctrl-C');
  expect(await schemas()).toEqual(['diptych_price_list']);
  const cut = measure({
    onProgress: () =>
      void sql.query(`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`),
  });
  await expect(cut).rejects.toThrow(/terminat|connection/i);
  expect(await schemas()).toEqual(['diptych_price_list']);
});

test('a second run at once, and a publication for all tables, are refused before anything is made', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = measure({ onProgress: () => resolve() });
  await promise;
  await expect(measure()).rejects.toMatchObject({ code: 'price-refused' });
  await first;
  await sql.query('create publication everything for all tables');
  await expect(measure()).rejects.toThrow('the publication everything is for all tables');
  expect(await schemas()).toEqual(['diptych_price_list']);
});
