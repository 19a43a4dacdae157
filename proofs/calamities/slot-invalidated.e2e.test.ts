/**
 * Proves that a slot which the server has given up is refused with the server's reason, by a relay that streams as by one
 * that starts, that nothing goes on as if nothing was missing, and that the way on which the refusal names is one.
 * https://www.postgresql.org/docs/18/view-pg-replication-slots.html (invalidation_reason)
 */
import type { RelayUnderTest, RunningRelay } from '@diptych/relay-app/relay-under-test';
import { poll } from '@diptych/runtime/poll';
import { FaultProxy } from '@diptych/testkit/fault-proxy';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type OwnPostgres, startOwnPostgres } from './own-postgres-for-tests.ts';
import { acceptedGaps, brokerOf, createShop, publishedIds, slotNow } from './shop-for-tests.ts';

let postgres: OwnPostgres;
let kafka: FaultProxy;
let shop: RelayUnderTest;
let running: RunningRelay;
beforeEach(async () => {
  postgres = await startOwnPostgres({
    // WAL in files of 1 MiB, of which a slot may keep two: a few switches are enough.
    initdbArguments: [
      '--wal-segsize=1',
      ...['max_wal_size=8MB', 'min_wal_size=2MB'].flatMap((s) => ['-c', s]),
    ],
  });
  const plain = await createShop({}, postgres.servers);
  kafka = await FaultProxy.openKafka(brokerOf(plain));
  await plain.close();
  shop = await createShop({ DIPTYCH_KAFKA_BROKERS: `127.0.0.1:${kafka.port}` }, postgres.servers);
  await shop.initialise();
  running = shop.start();
  await shop.active(running);
  await shop.sql.query('insert into carts (id) values (1)');
  await shop.caughtUp();
});
afterEach(async () => {
  kafka.release();
  await shop.close();
  await kafka.close();
  await postgres.remove();
});

async function set(name: string, value: string): Promise<void> {
  await shop.sql.query(`alter system set ${name} = '${value}'`);
  await shop.sql.query('select pg_reload_conf()');
}

/** Writes WAL, where the reason needs it, and has the server look at its slots until it gives up this one. */
async function invalidated(reason: string, { writing }: { writing: boolean }): Promise<void> {
  const look = async () => {
    if (writing) {
      await shop.sql.query(`select pg_logical_emit_message(false, 'noise', repeat('x', 1000))`);
      await shop.sql.query('select pg_switch_wal()');
    }
    await shop.sql.query('checkpoint');
    const { rows } = await shop.sql.query<{ reason: string | null }>(
      'select invalidation_reason as reason from pg_replication_slots where slot_name = $1',
      [shop.configuration.slot],
    );
    return rows[0]?.reason ?? undefined;
  };
  const what = 'the server gives up the slot';
  expect(await poll(look, { what, timeoutMs: 60_000 })).toBe(reason);
}

const expectRefusal = (reason: string) =>
  expect(shop.start().ended).rejects.toMatchObject({
    code: 'slot-lost',
    message: expect.stringContaining(reason),
    remedy: expect.stringContaining('diptych init --from-slot'),
  });

test('max_slot_wal_keep_size exceeded while no relay runs: the next one refuses with the reason, and the remedy goes on', {
  timeout: 120_000,
}, async () => {
  await running.stop();
  const { flushed: from } = await slotNow(shop);
  await set('max_slot_wal_keep_size', '2MB');
  await shop.sql.query('insert into carts (id) values (2)');
  await invalidated('wal_removed', { writing: true });
  await expectRefusal('wal_removed');
  await expectRefusal('wal_removed'); // again: it is no state that passes
  await expect(shop.initialise()).rejects.toMatchObject({ code: 'slot-lost' });
  expect(await acceptedGaps(shop)).toEqual([]);
  await shop.initialise({ fromSlot: true });
  const { flushed: to } = await slotNow(shop);
  expect(await acceptedGaps(shop)).toMatchObject([
    { from, to, reason: 'slot-lost', detail: expect.stringContaining('wal_removed') },
  ]);
  const again = shop.start();
  await shop.active(again);
  await shop.sql.query('insert into carts (id) values (3)');
  await shop.caughtUp();
  await again.stop();
  // The second row is in the gap that was said and written down.
  expect(await publishedIds(shop)).toEqual([1, 3]);
});

test('max_slot_wal_keep_size exceeded while Kafka hangs: the relay that streams ends with the reason', {
  timeout: 120_000,
}, async () => {
  kafka.hold();
  await shop.sql.query('insert into carts (id) values (2)');
  await set('max_slot_wal_keep_size', '2MB');
  await invalidated('wal_removed', { writing: true });
  kafka.release();
  await expect(running.ended).rejects.toMatchObject({
    code: 'slot-lost',
    message: expect.stringContaining('wal_removed'),
  });
});

test('idle_replication_slot_timeout exceeded: the next relay refuses with the reason', {
  timeout: 120_000,
}, async () => {
  await running.stop();
  await set('idle_replication_slot_timeout', '1s');
  await invalidated('idle_timeout', { writing: false });
  await expectRefusal('idle_timeout');
});
