/**
 * Proves that a dropped slot is refused, also when one of the same name stands there again: what was written in between is
 * in no topic. The only ways on are said, and one of them is taken, with the gap written down.
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

const drop = () => shop.sql.query('select pg_drop_replication_slot($1)', [shop.configuration.slot]);

test('a slot that was dropped is refused, and init --from-slot begins anew', async () => {
  const { flushed: from } = await slotNow(shop);
  await drop();
  const missing = expect.stringContaining(`changes from ${from} to `);
  await expect(shop.start().ended).rejects.toMatchObject({ code: 'slot-missing', message: missing });
  await expect(shop.initialise()).rejects.toMatchObject({ code: 'slot-lost', message: missing });
  await shop.initialise({ fromSlot: true });
  const { flushed: to } = await slotNow(shop);
  expect(await acceptedGaps(shop)).toMatchObject([{ from, to, reason: 'slot-lost' }]);
  await runAndPublish(shop, 2);
  expect(await publishedIds(shop)).toEqual([1, 2]);
});

test('a slot that was dropped and made anew is refused, and init --from-slot goes on with the gap', async () => {
  const { flushed: from } = await slotNow(shop);
  await drop();
  await shop.sql.query('insert into carts (id) values (2)');
  await shop.sql.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [
    shop.configuration.slot,
  ]);
  const { flushed: to } = await slotNow(shop);
  await expect(shop.start().ended).rejects.toMatchObject({
    code: 'slot-moved-or-recreated',
    message: expect.stringContaining(`changes from ${from} to ${to} are missing`),
  });
  await shop.initialise({ fromSlot: true });
  expect(await acceptedGaps(shop)).toMatchObject([{ from, to, reason: 'slot-moved-or-recreated' }]);
  await runAndPublish(shop, 3);
  expect(await publishedIds(shop)).toEqual([1, 3]);
});
