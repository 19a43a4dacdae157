/**
 * Proves that a slot which somebody advanced is refused, because what lies between is in no topic; and that
 * `diptych init --from-slot` goes on with that gap, which is written down.
 */
import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acceptedGaps, createShop, publishedIds, runAndPublish, slotNow } from './shop-for-tests.ts';

let shop: RelayUnderTest;
beforeEach(async () => {
  shop = await createShop();
  await shop.initialise();
  await runAndPublish(shop, 1);
});
afterEach(() => shop.close());

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
  await runAndPublish(shop, 3);
  expect(await publishedIds(shop)).toEqual([1, 3]);
});
