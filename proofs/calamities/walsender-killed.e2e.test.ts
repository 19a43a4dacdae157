/** Proves that a session which the server ends is followed by a new one, without anybody's help, and that nothing is lost or repeated. */
import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  createShop,
  expectAllOnce,
  keepWriting,
  publishesAgain,
  terminateWalSender,
} from './shop-for-tests.ts';

let shop: RelayUnderTest;
beforeEach(async () => {
  shop = await createShop();
  await shop.initialise();
});
afterEach(() => shop.close());

test('a walsender that is terminated under load, again and again, costs nothing but a new session', {
  timeout: 120_000,
}, async () => {
  const running = shop.start();
  await shop.active(running);
  const load = keepWriting(shop.configuration.database.url);
  for (let round = 0; round < 4; round += 1) {
    await publishesAgain(running.board);
    await terminateWalSender(shop);
  }
  await publishesAgain(running.board);
  const committed = await load.stop();
  await shop.caughtUp();
  expect(running.board.lastError?.code).toBe('postgres-unreachable');
  await running.stop();
  await expectAllOnce(shop, committed);
});
