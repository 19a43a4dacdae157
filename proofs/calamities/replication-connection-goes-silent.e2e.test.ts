/**
 * Proves that a replication connection which a firewall has forgotten is missed: the server gives the slot away after
 * `wal_sender_timeout`, and no packet tells the relay. It asks the catalogue who holds the slot, and begins anew.
 */
import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { poll } from '@diptych/runtime/poll';
import { FaultProxy } from '@diptych/testkit/fault-proxy';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createShop, expectAllOnce, postgresOf, slotNow, throughPort } from './shop-for-tests.ts';

let shop: RelayUnderTest;
let postgres: FaultProxy;
beforeEach(async () => {
  shop = await createShop({
    DIPTYCH_TIMING_WAL_SENDER_TIMEOUT_MS: '1500',
    DIPTYCH_TIMING_STATUS_INTERVAL_MS: '300',
    DIPTYCH_TIMING_PUBLICATION_CHECK_INTERVAL_MS: '500',
  });
  await shop.initialise();
  postgres = await FaultProxy.open(postgresOf(shop));
});
afterEach(async () => {
  await shop.close();
  await postgres.close();
});

/** The port from which the server sees the replication connection. */
async function replicationPort(): Promise<number> {
  const { rows } = await shop.sql.query<{ client_port: number }>(
    'select client_port from pg_stat_replication where application_name = $1',
    [`diptych ${shop.configuration.slot}`],
  );
  expect(rows).toHaveLength(1);
  return rows[0]?.client_port ?? 0;
}

test('a replication connection that goes silent is given up, and a new session publishes what waited', {
  timeout: 120_000,
}, async () => {
  const { url } = shop.configuration.database;
  const running = shop.start({ databaseUrl: throughPort(url, postgres.port) });
  await shop.active(running);
  await shop.sql.query('insert into carts (id) values (1)');
  await shop.caughtUp();
  const { holder } = await slotNow(shop);
  postgres.silence(await replicationPort());
  await shop.sql.query('insert into carts (id) values (2)');
  const heldAnew = async (): Promise<true | undefined> => {
    const now = await slotNow(shop);
    return (now.holder !== null && now.holder !== holder) || undefined;
  };
  await poll(heldAnew, { what: 'a new session holds the slot', timeoutMs: 60_000 });
  expect(running.board.lastError).toMatchObject({ code: 'replication-ended', retry: 'timed' });
  await shop.caughtUp();
  await running.stop();
  await expectAllOnce(shop);
});
