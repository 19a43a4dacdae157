/**
 * Proves that a crash of Postgres costs nothing but time: it stops without a checkpoint, recovers, and its slot falls back
 * to the position that it last saved. What comes again from there is known from the checkpoint in Kafka.
 */
import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type OwnPostgres, startOwnPostgres } from './own-postgres-for-tests.ts';
import { createShop, expectAllOnce, keepWriting, publishesAgain, slotNow } from './shop-for-tests.ts';

let postgres: OwnPostgres;
let shop: RelayUnderTest;
beforeEach(async () => {
  postgres = await startOwnPostgres();
  shop = await createShop({}, postgres.servers);
  await shop.initialise();
});
afterEach(async () => {
  await shop.close();
  await postgres.remove();
});

test('a Postgres that is stopped immediately and recovers costs nothing but time', {
  timeout: 120_000,
}, async () => {
  const running = shop.start();
  await shop.active(running);
  const load = keepWriting(shop.configuration.database.url);
  for (let round = 0; round < 2; round += 1) {
    await publishesAgain(running.board);
    await postgres.control.stopImmediately();
    await postgres.control.start();
    await publishesAgain(running.board);
  }
  const committed = await load.stop();
  await shop.reconnect();
  await shop.caughtUp();
  await running.stop();
  await expectAllOnce(shop, committed);
});

test('a slot that fell back behind what Kafka holds repeats nothing', { timeout: 120_000 }, async () => {
  const running = shop.start();
  await shop.active(running);
  const saved = await slotNow(shop);
  for (let id = 1; id <= 20; id += 1) await shop.sql.query('insert into carts (id) values ($1)', [id]);
  await shop.caughtUp();
  await running.stop();
  await postgres.control.stopImmediately();
  await postgres.control.start();
  await shop.reconnect();
  expect((await slotNow(shop)).flushed).toBe(saved.flushed);
  await shop.sql.query('insert into carts (id) values (21)');
  const again = shop.start();
  await shop.active(again);
  await shop.caughtUp();
  await again.stop();
  await expectAllOnce(shop);
});
