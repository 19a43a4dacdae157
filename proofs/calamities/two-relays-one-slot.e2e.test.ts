/**
 * Proves that one relay publishes however many are started: the slot is granted to one session, the others stand by,
 * disturb nobody, and take over when it is free.
 */
import { readFile } from 'node:fs/promises';
import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { poll } from '@diptych/runtime/poll';
import type { RelayProcess } from '@diptych/testkit/relay-process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startOwnPostgres } from './own-postgres-for-tests.ts';
import {
  createShop,
  expectAllOnce,
  keepWriting,
  publishLast,
  Relays,
  slotNow,
  terminateWalSender,
} from './shop-for-tests.ts';

let shop: RelayUnderTest;
let relays: Relays;
beforeEach(async () => {
  shop = await createShop();
  await shop.initialise();
  relays = await Relays.of(shop);
});
afterEach(async () => {
  await relays.close();
  await shop.close();
});

const rolesOf = (all: readonly RelayProcess[]) =>
  Promise.all(all.map(async (relay) => (await relay.status())?.role ?? 'silent'));

/** The one that holds the slot, when each has its role. */
const settled = (all: readonly RelayProcess[]): Promise<RelayProcess> =>
  poll(
    async () => {
      const roles = await rolesOf(all);
      expect(roles.filter((role) => role === 'active').length).toBeLessThanOrEqual(1);
      const settled = roles.every((role) => role === 'active' || role === 'standby');
      return settled ? all[roles.indexOf('active')] : undefined;
    },
    { what: 'one relay is active, the others stand by', timeoutMs: 60_000 },
  );

test('of three relays started at once under load one publishes; killed, another one takes over; every row is there once', {
  timeout: 180_000,
}, async () => {
  const load = keepWriting(shop.configuration.database.url);
  const all = await Promise.all(['A', 'B', 'C'].map((name) => relays.add(name)));
  for (const relay of all) relay.start();
  const first = await settled(all);
  await first.kill();
  const rest = all.filter((relay) => relay !== first);
  const second = await settled(rest);
  await second.stop(); // an orderly end hands over as well
  await settled(rest.filter((relay) => relay !== second));
  const committed = await load.stop();
  await publishLast(shop);
  expect(await Promise.all(all.map((relay) => relay.unaskedExits()))).toEqual([[], [], []]);
  await expectAllOnce(shop, committed);
});

test('a relay that comes second neither takes the slot nor fences: the first one’s session goes on', async () => {
  const running = shop.start();
  await shop.active(running);
  const { holder } = await slotNow(shop);
  const second = shop.start();
  await poll(() => (second.board.role === 'standby' ? true : undefined), {
    what: 'the second relay stands by',
    timeoutMs: 20_000,
  });
  await shop.sql.query('insert into carts (id) values (1)');
  await shop.caughtUp();
  expect((await slotNow(shop)).holder).toBe(holder);
  expect(running.board.lastError).toBeNull();
  await running.stop();
  await shop.active(second);
  await shop.sql.query('insert into carts (id) values (2)');
  await shop.caughtUp();
  await second.stop();
  await expectAllOnce(shop);
});

test('however many stand by, a takeover puts no error into the server’s log', {
  timeout: 180_000,
}, async () => {
  const postgres = await startOwnPostgres();
  const quiet = await createShop({}, postgres.servers);
  try {
    await quiet.initialise();
    const all = Array.from({ length: 5 }, () => quiet.start());
    const activeOne = () => all.find(({ board }) => board.role === 'active');
    let holder: number | null = null;
    for (let round = 0; round < 8; round += 1) {
      const takenOver = async (): Promise<true | undefined> => {
        const now = await slotNow(quiet);
        if (now.holder === null || now.holder === holder || !activeOne()) return undefined;
        holder = now.holder;
        return true;
      };
      await poll(takenOver, { what: 'one of them holds the slot', timeoutMs: 60_000 });
      await terminateWalSender(quiet);
    }
    await Promise.all(all.map((one) => one.stop()));
    const log = await readFile(postgres.logFile, 'utf8');
    expect(log).toContain('terminating connection due to administrator command');
    expect(log.split('\n').filter((line) => line.includes('ERROR:'))).toEqual([]);
  } finally {
    await quiet.close();
    await postgres.remove();
  }
});
