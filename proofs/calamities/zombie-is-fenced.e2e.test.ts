/**
 * Proves that a relay which was frozen, lost the slot and wakes up publishes nothing more: what it had begun to send is
 * refused by the broker, because its successor fenced it, and it stands by from then on.
 */
import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { poll } from '@diptych/runtime/poll';
import { FaultProxy } from '@diptych/testkit/fault-proxy';
import { endTransaction } from '@diptych/testkit/kafka-frames';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  brokerOf,
  createShop,
  expectAllOnce,
  hasRole,
  keepWriting,
  Relays,
  slotNow,
} from './shop-for-tests.ts';

let shop: RelayUnderTest;
let relays: Relays;
let link: FaultProxy;
beforeEach(async () => {
  shop = await createShop();
  await shop.initialise();
  relays = await Relays.of(shop);
  link = await FaultProxy.openKafka(brokerOf(shop));
});
afterEach(async () => {
  await relays.close();
  await link.close();
  await shop.close();
});

const timing = { DIPTYCH_TIMING_WAL_SENDER_TIMEOUT_MS: '1500', DIPTYCH_TIMING_STATUS_INTERVAL_MS: '300' };

/** Until nothing of the zombie is under way: its Kafka transaction was ended or refused, and it has noticed. */
const standsBy = (log: () => Promise<string>) =>
  poll(async () => (/standing by/.test(await log()) ? true : undefined), {
    what: 'the zombie has noticed and stands by',
    timeoutMs: 60_000,
  });

test('a frozen relay wakes with its commit under way, after another one has taken over: every row is there once', {
  timeout: 120_000,
}, async () => {
  const zombie = await relays.add('zombie', {
    settings: { ...timing, DIPTYCH_KAFKA_BROKERS: `127.0.0.1:${link.port}` },
  });
  const heir = await relays.add('heir', { settings: timing });
  zombie.start();
  await hasRole(zombie, 'active');
  await shop.sql.query('insert into carts (id) values (1)');
  await shop.caughtUp();
  heir.start();
  await hasRole(heir, 'standby');
  const { holder } = await slotNow(shop);

  // All of its batch is in Kafka but for the commit, which leaves it and does not arrive: whoever gets it, obeys.
  const commitHeld = link.holdAt(endTransaction);
  for (let id = 2; id <= 20; id += 1) await shop.sql.query('insert into carts (id) values ($1)', [id]);
  await commitHeld;
  zombie.freeze();
  await hasRole(heir, 'active');
  await shop.caughtUp();
  expect((await slotNow(shop)).holder).not.toBe(holder);

  link.release();
  zombie.thaw();
  await standsBy(() => relays.log(zombie));
  await hasRole(heir, 'active');
  await shop.sql.query('insert into carts (id) values (21)');
  await shop.caughtUp();
  await expectAllOnce(shop);
});

test('relays that are frozen in turn under load, each longer than the server waits, repeat and lose nothing', {
  timeout: 180_000,
}, async () => {
  const first = await relays.add('first', { settings: timing });
  const second = await relays.add('second', { settings: timing });
  const pair = [first, second];
  for (const relay of pair) relay.start();
  const active = async () => {
    const roles = await Promise.all(pair.map(async (relay) => (await relay.status())?.role));
    return roles.includes('standby') ? pair[roles.indexOf('active')] : undefined;
  };
  const load = keepWriting(shop.configuration.database.url);
  for (let round = 0; round < 2; round += 1) {
    const holding = await poll(active, { what: 'one is active, the other stands by', timeoutMs: 60_000 });
    const other = holding === first ? second : first;
    holding.freeze();
    await hasRole(other, 'active');
    holding.thaw();
  }
  const committed = await load.stop();
  await shop.caughtUp();
  await expectAllOnce(shop, committed);
});
