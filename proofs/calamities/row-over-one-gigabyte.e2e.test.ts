/**
 * Proves what becomes of a row that the server itself cannot send: its text form is larger than 1 GiB, the most that
 * PostgreSQL allocates at once, though the row is not. The walsender fails on it again and again; the relay says so in the
 * server's words, publishes what came before, passes nothing by, and does not grow. `diptych skip` leaves out that transaction and no other.
 * https://www.postgresql.org/docs/18/limits.html (field size)
 */
import { skipCommand } from '@diptych/relay-app/commands/skip';
import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { skipTransaction } from '@diptych/relay-app/skip';
import { OperatingError } from '@diptych/runtime/failure';
import { createLogger } from '@diptych/runtime/log';
import { openCatalogue } from '@diptych/wal/catalogue';
import { formatLsn, type Lsn, lsn, parseLsn } from '@diptych/wal/lsn';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type OwnPostgres, startOwnPostgres } from './own-postgres-for-tests.ts';
import { acceptedGaps, createShop, publishedIds } from './shop-for-tests.ts';

let postgres: OwnPostgres;
let shop: RelayUnderTest;
beforeEach(async () => {
  postgres = await startOwnPostgres({ initdbArguments: ['-c', 'autovacuum=off', '-c', 'fsync=off'] });
  shop = await createShop({}, postgres.servers);
  await shop.sql.query('create table large (id int primary key, content varbit)');
  await shop.initialise();
});
afterEach(async () => {
  await shop.close();
  await postgres.remove();
});

/** A bit is a character as text: 13 times the longest constant take 136 MB, compressed to little, and 1.09 GB as text. */
const longestConstant = '0::bit(83886080)';
const constants = 13;
const growthBytesMax = 256 * 1024 * 1024;

test('a row whose text is larger than 1 GiB is said in the server’s words, and only its transaction is skipped, audited', {
  timeout: 240_000,
}, async () => {
  const running = shop.start();
  await shop.active(running);
  await shop.sql.query('insert into carts (id) values (1)');
  await shop.caughtUp();
  const before = process.memoryUsage.rss();
  const content = Array<string>(constants).fill(longestConstant).join(' || ');
  await shop.sql.query(`insert into large values (1, ${content})`);
  await shop.sql.query('insert into carts (id) values (2)');
  const said = await failureOf(running.ended);
  expect(said.code).toBe('row-exceeds-server-limit');
  expect(said.message).toContain('invalid memory alloc request size');
  expect(process.memoryUsage.rss() - before).toBeLessThan(growthBytesMax);
  expect(await publishedIds(shop)).toEqual([1]);

  // The way on: past that transaction and no further, knowingly.
  const at = /`diptych skip --lsn (\S+)`/.exec(said.remedy)?.[1] ?? 'no position is named';
  await skipWithoutTheSlot(parseLsn(at));
  // Whoever skips dies before the slot is moved: the server fails as before, and the same command goes on.
  expect((await failureOf(shop.start().ended)).remedy).toContain(`diptych skip --lsn ${at}`);
  const { configuration } = shop;
  expect(await skipCommand({ configuration, commitLsn: parseLsn(at), yes: true })).toBe(true);
  const behind = formatLsn(lsn(parseLsn(at) + 1n));
  expect(await acceptedGaps(shop)).toMatchObject([{ from: at, to: behind, reason: 'transaction-skipped' }]);
  const again = shop.start();
  await shop.active(again);
  await shop.sql.query('insert into carts (id) values (3)');
  await shop.caughtUp();
  await again.stop();
  expect(await publishedIds(shop)).toEqual([1, 2, 3]);
});

/** What the relay ends with. */
async function failureOf(ended: Promise<unknown>): Promise<OperatingError> {
  const end = await ended.then(
    () => new Error('the relay ended in order'),
    (error: unknown) => error,
  );
  if (end instanceof OperatingError) return end;
  throw end;
}

/** The part of `diptych skip` that is written to Kafka. */
async function skipWithoutTheSlot(commitLsn: Lsn): Promise<void> {
  const { configuration } = shop;
  const catalogue = await openCatalogue(configuration.database.url);
  const log = createLogger('skip', { level: 'silent' });
  try {
    await skipTransaction({ configuration, catalogue, commitLsn, log });
  } finally {
    await catalogue.close();
  }
}
