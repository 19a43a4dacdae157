/**
 * Proves that a standby may die without anybody noticing, and that one which waits takes over from a relay that is killed
 * in the middle of a batch: it begins where the checkpoint says.
 */
import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { poll } from '@diptych/runtime/poll';
import { FaultProxy } from '@diptych/testkit/fault-proxy';
import type { RelayProcess } from '@diptych/testkit/relay-process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  brokerOf,
  createShop,
  expectAllOnce,
  hasRole,
  publishLast,
  Relays,
  slotNow,
} from './shop-for-tests.ts';

let shop: RelayUnderTest;
let relays: Relays;
let link: FaultProxy;
let active: RelayProcess;
let standby: RelayProcess;
beforeEach(async () => {
  shop = await createShop();
  await shop.initialise();
  relays = await Relays.of(shop);
  link = await FaultProxy.openKafka(brokerOf(shop));
  active = await relays.add('active', { settings: { DIPTYCH_KAFKA_BROKERS: `127.0.0.1:${link.port}` } });
  standby = await relays.add('standby');
  active.start();
  await hasRole(active, 'active');
  standby.start();
  await hasRole(standby, 'standby');
  await shop.sql.query('insert into carts (id) values (1)');
  await shop.caughtUp();
});
afterEach(async () => {
  await relays.close();
  await link.close();
  await shop.close();
});

test('a standby that is killed while it waits disturbs nobody, and the next one stands by', {
  timeout: 120_000,
}, async () => {
  const { holder } = await slotNow(shop);
  await standby.kill();
  await shop.sql.query('insert into carts (id) values (2)');
  await shop.caughtUp();
  standby.start();
  await hasRole(standby, 'standby');
  expect((await slotNow(shop)).holder).toBe(holder);
  await expectAllOnce(shop);
});

test('a relay that is killed with a batch under way leaves it to the one that waits, which publishes it once', {
  timeout: 120_000,
}, async () => {
  link.hold();
  for (let id = 2; id <= 20; id += 1) await shop.sql.query('insert into carts (id) values ($1)', [id]);
  await poll(() => (link.heldBytes > 0 ? true : undefined), {
    what: 'a request is under way',
    timeoutMs: 30_000,
  });
  await active.kill();
  link.release();
  await hasRole(standby, 'active');
  await publishLast(shop);
  active.start();
  await hasRole(active, 'standby');
  await expectAllOnce(shop);
});
