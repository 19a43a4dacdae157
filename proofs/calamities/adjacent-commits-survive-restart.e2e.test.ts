/**
 * Proves that the flushed position is exact: of two transactions whose commit records touch, the relay stops between the
 * two, and the second one comes. A flushed position one byte too far makes the server skip it for good.
 * https://www.postgresql.org/docs/18/protocol-replication.html#PROTOCOL-REPLICATION-STANDBY-STATUS-UPDATE
 */
import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { formatLsn } from '@diptych/wal/lsn';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createShop, expectAllOnce, hasRole, identityOf, Relays, slotNow } from './shop-for-tests.ts';

let shop: RelayUnderTest;
let relays: Relays;
let second: pg.Client;
beforeEach(async () => {
  shop = await createShop();
  relays = await Relays.of(shop);
  second = new pg.Client({ connectionString: shop.configuration.database.url });
  await second.connect();
  await shop.initialise();
});
afterEach(async () => {
  await second.end();
  await relays.close();
  await shop.close();
});

/** Something else of the server may write between the two commits: more rounds than hits are allowed. */
const roundsMax = 12;

interface Rounds {
  readonly start: () => Promise<{ end(): Promise<unknown> }>;
  readonly hitsWanted: number;
}

/**
 * Both transactions have written before the first commits: nothing is left to write between their commit records. The
 * relay flushes the first, ends as `stopping` says, and only then the second commits. Answers the ids of those rounds in
 * which the second record began where the first had ended.
 */
async function rounds({ start, hitsWanted }: Rounds): Promise<number[]> {
  const flushedBefore = new Map<number, string>();
  for (let round = 1; round <= roundsMax; round += 1) {
    const relay = await start();
    await second.query('begin');
    await second.query('insert into carts (id) values ($1)', [round * 2]);
    await shop.sql.query('insert into carts (id) values ($1)', [round * 2 - 1]);
    await shop.caughtUp();
    await relay.end();
    flushedBefore.set(round * 2, (await slotNow(shop)).flushed);
    await second.query('commit');
    if (flushedBefore.size >= hitsWanted) {
      const last = await start();
      await shop.caughtUp();
      await last.end();
      const hits = await adjacent(flushedBefore);
      if (hits.length >= hitsWanted) return hits;
    }
  }
  return adjacent(flushedBefore);
}

/** Of these ids, those whose commit record begins exactly at the position that was flushed before it. */
async function adjacent(flushedBefore: ReadonlyMap<number, string>): Promise<number[]> {
  const records = await shop.records(shop.topicOf('carts'));
  const commits = new Map(
    records.map((record) => [
      Number(JSON.parse(String(record.key)).id),
      formatLsn(identityOf(record).commitLsn),
    ]),
  );
  await expectAllOnce(shop);
  return [...flushedBefore].filter(([id, flushed]) => commits.get(id) === flushed).map(([id]) => id);
}

test('a relay that stops between two adjacent commits publishes the second one when it starts again', {
  timeout: 120_000,
}, async () => {
  const start = async () => {
    const running = shop.start();
    await shop.active(running);
    return { end: () => running.stop() };
  };
  expect((await rounds({ start, hitsWanted: 3 })).length).toBeGreaterThanOrEqual(3);
});

test('and so does one that is killed there', { timeout: 120_000 }, async () => {
  const process = await relays.add('killed');
  const start = async () => {
    process.start();
    await hasRole(process, 'active');
    return { end: () => process.kill() };
  };
  expect((await rounds({ start, hitsWanted: 1 })).length).toBeGreaterThanOrEqual(1);
});
