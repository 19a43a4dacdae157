/**
 * Proves that a slot which somebody advanced is refused, because what lies between is in no topic; and that
 * `diptych init --from-slot` goes on with that gap, which is written down.
 */
import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acceptedGaps, createShop, publishedIds, slotNow } from './shop-for-tests.ts';

let shop: RelayUnderTest;
beforeEach(async () => {
  shop = await createShop();
  await shop.initialise();
  await publishRow(1);
});
afterEach(() => shop.close());

/** A relay runs, publishes one row and stops. */
async function publishRow(id: number): Promise<void> {
  const running = shop.start();
  await shop.active(running);
  await shop.sql.query('insert into carts (id) values ($1)', [id]);
  await shop.caughtUp();
  await running.stop();
}

const advance = () =>
  shop.sql.query('select pg_replication_slot_advance($1, pg_current_wal_lsn())', [shop.configuration.slot]);

test('a slot that was moved by hand is refused with the part that is missing, however often, and init --from-slot goes on, audited', async () => {
  const { flushed: from } = await slotNow(shop);
  await shop.sql.query('insert into carts (id) values (2)');
  await advance();
  const { flushed: to } = await slotNow(shop);
  for (let attempt = 0; attempt < 2; attempt += 1) {
    await expect(shop.start().ended).rejects.toMatchObject({
      code: 'slot-moved-or-recreated',
      message: expect.stringContaining(`changes from ${from} to ${to} are missing`),
      remedy: expect.stringContaining('diptych init --from-slot'),
    });
  }
  expect(await acceptedGaps(shop)).toEqual([]);
  await shop.initialise({ fromSlot: true });
  expect(await acceptedGaps(shop)).toMatchObject([{ from, to, reason: 'slot-moved-or-recreated' }]);
  await publishRow(3);
  expect(await publishedIds(shop)).toEqual([1, 3]);
});
