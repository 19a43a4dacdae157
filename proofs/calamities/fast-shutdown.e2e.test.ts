/**
 * Proves that an orderly shutdown of Postgres does not wait for the relay, and that the relay notices it and goes on by
 * itself when the server is back. A walsender stays until its client has confirmed everything, the shutdown record
 * included. https://www.postgresql.org/docs/18/server-shutdown.html
 */
import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type OwnPostgres, startOwnPostgres } from './own-postgres-for-tests.ts';
import { createShop, expectAllOnce } from './shop-for-tests.ts';

let postgres: OwnPostgres;
let shop: RelayUnderTest;
beforeEach(async () => {
  postgres = await startOwnPostgres();
  // So long that the shutdown's WAL is confirmed because the server asks, not because it was time.
  const settings = { DIPTYCH_TIMING_IDLE_CHECKPOINT_INTERVAL_MS: '60000' };
  shop = await createShop(settings, postgres.servers);
  await shop.initialise();
});
afterEach(async () => {
  await shop.close();
  await postgres.remove();
});

/** Without a position that is confirmed the server waits for wal_sender_timeout, 10 s. */
const shutdownMsMax = 8000;

test('an orderly shutdown of Postgres does not wait for the relay', { timeout: 120_000 }, async () => {
  const running = shop.start();
  await shop.active(running);
  await shop.sql.query('insert into carts (id) values (1)');
  // WAL that makes no record: no batch confirms it.
  await shop.sql.query(`select pg_logical_emit_message(false, 'noise', 'x')`);
  const startedAt = performance.now();
  await postgres.control.stop();
  expect(performance.now() - startedAt).toBeLessThan(shutdownMsMax);
  await postgres.control.start();
  await shop.reconnect();
  await shop.sql.query('insert into carts (id) values (2)');
  await shop.caughtUp();
  await running.stop();
  await expectAllOnce(shop, new Set([1, 2]));
});
