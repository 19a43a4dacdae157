/**
 * Proves that a publication which was gone for a while is said: PostgreSQL 18 only warns in its own log and sends nothing
 * meanwhile. Refused by a relay that streams as by one that starts; `--accept-gap` goes on, audited, with exactly that gap.
 */
import type { RelayUnderTest, RunningRelay } from '@diptych/relay-app/relay-under-test';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acceptedGaps, createShop, publishedIds, slotNow } from './shop-for-tests.ts';

let shop: RelayUnderTest;
beforeEach(async () => {
  shop = await createShop({ DIPTYCH_TIMING_PUBLICATION_CHECK_INTERVAL_MS: '100' });
  await shop.initialise();
});
afterEach(() => shop.close());

async function publishRow(running: RunningRelay, id: number): Promise<void> {
  await shop.active(running);
  await shop.sql.query('insert into carts (id) values ($1)', [id]);
  await shop.caughtUp();
}

const drop = () => shop.sql.query(`drop publication ${shop.configuration.change.publication}`);

test('a publication that is dropped while the relay streams stops it', async () => {
  const running = shop.start();
  await publishRow(running, 1);
  await drop();
  await expect(running.ended).rejects.toMatchObject({ code: 'publication-lost' });
  expect(await publishedIds(shop)).toEqual([1]);
});

test('a publication that was made anew is refused, and --accept-gap goes on', async () => {
  const before = shop.start();
  await publishRow(before, 1);
  await before.stop();
  const { flushed: from } = await slotNow(shop);
  await drop();
  const message = expect.stringContaining(`changes from ${from} to `);
  await expect(shop.start().ended).rejects.toMatchObject({ code: 'publication-lost', message });
  await shop.sql.query('insert into carts (id) values (2)');
  await shop.initialise();
  const refused = { code: 'publication-lost', message, remedy: expect.stringContaining('--accept-gap') };
  await expect(shop.start().ended).rejects.toMatchObject(refused);
  await expect(shop.start().ended).rejects.toMatchObject(refused);
  expect(await acceptedGaps(shop)).toEqual([]);
  const running = shop.start({ acceptGap: true });
  await shop.active(running);
  expect(await acceptedGaps(shop)).toMatchObject([{ from, reason: 'publication-lost' }]);
  await publishRow(running, 3);
  await running.stop();
  // Accepted once: what was agreed on since then holds.
  const again = shop.start();
  await publishRow(again, 4);
  await again.stop();
  expect(await publishedIds(shop)).toEqual([1, 3, 4]);
  expect(await acceptedGaps(shop)).toHaveLength(1);
});

test('a publication that is dropped and made anew between two looks of the relay stops it all the same', async () => {
  const running = shop.start();
  await publishRow(running, 1);
  await shop.sql.query(`begin; drop publication ${shop.configuration.change.publication};
    create publication ${shop.configuration.change.publication} for table carts; commit`);
  await expect(running.ended).rejects.toMatchObject({ code: 'publication-lost' });
});

test('an accepted gap is one: what is lost while the relay goes on is refused, also by the next session of the same process', async () => {
  await shop.close();
  // So that nothing looks between the two: the session ends for another reason.
  shop = await createShop({
    DIPTYCH_TIMING_IDLE_CHECKPOINT_INTERVAL_MS: '3600000',
    DIPTYCH_TIMING_PUBLICATION_CHECK_INTERVAL_MS: '3600000',
  });
  await shop.initialise();
  const anew = `drop publication ${shop.configuration.change.publication};
    create publication ${shop.configuration.change.publication} for table carts;`;
  await shop.sql.query(anew);
  const running = shop.start({ acceptGap: true });
  await publishRow(running, 1);
  expect(await acceptedGaps(shop)).toHaveLength(1);
  await shop.sql.query(
    `${anew} select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = '${shop.configuration.slot}'`,
  );
  await expect(running.ended).rejects.toMatchObject({ code: 'publication-lost' });
  expect(await acceptedGaps(shop)).toHaveLength(1);
});
