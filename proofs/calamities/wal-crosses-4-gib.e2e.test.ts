/**
 * Proves that nothing is special about the place where an LSN's low 32 bits overflow: commits just before it, a transaction
 * that is open across it and commits after it arrive once and in order, with relays that stop and are killed on either side.
 */
import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { parseLsn } from '@diptych/wal/lsn';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type OwnPostgres, startOwnPostgres } from './own-postgres-for-tests.ts';
import { resetWal } from './reset-wal-for-tests.ts';
import { createShop, expectAllOnce, hasRole, identityOf, Relays, slotNow } from './shop-for-tests.ts';

const overflow = 0x1_0000_0000n;
/** The last segment before it. */
const segment = 0xff;

let postgres: OwnPostgres;
let shop: RelayUnderTest;
let relays: Relays;
beforeEach(async () => {
  postgres = await startOwnPostgres({ initdbArguments: ['-c', 'autovacuum=off', '-c', 'fsync=off'] });
  await postgres.control.stop();
  await resetWal(postgres.dataDirectory, { segment });
  await postgres.control.start();
  shop = await createShop({}, postgres.servers);
  await shop.initialise();
  relays = await Relays.of(shop);
});
afterEach(async () => {
  await relays.close();
  await shop.close();
  await postgres.remove();
});

async function bytesLeft(): Promise<bigint> {
  const { rows } = await shop.sql.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
  return overflow - parseLsn(rows[0]?.lsn ?? '');
}

/** Writes WAL that concerns nobody until so much is left; what a record costs besides its content is less than 100 bytes. */
async function fill({ leaving }: { leaving: bigint }): Promise<void> {
  for (let left = await bytesLeft(); left > leaving + 200n; left = await bytesLeft()) {
    const bytes = Math.min(Number(left - leaving) - 200, 900_000);
    await shop.sql.query(`select pg_logical_emit_message(false, 'noise', repeat('x', $1))`, [bytes]);
  }
}

const insert = () => shop.sql.query('insert into carts (id) select coalesce(max(id), 0) + 1 from carts');

test('commits before, across and after the 4 GiB of WAL arrive once and in order, whatever ends the relay there', {
  timeout: 120_000,
}, async () => {
  const relay = await relays.add('relay');
  relay.start();
  await hasRole(relay, 'active');
  await insert();
  await fill({ leaving: 4000n });
  await shop.caughtUp();
  await relay.stop();

  const open = new pg.Client({ connectionString: shop.configuration.database.url });
  await open.connect();
  await open.query('begin; insert into carts (id) values (-1)');
  await insert();
  relay.start();
  await hasRole(relay, 'active');
  while ((await bytesLeft()) > 0n) await insert(); // one of them ends beyond it
  await insert();
  await shop.caughtUp();
  await relay.kill();
  await open.query('commit');
  await open.end();
  await insert();
  relay.start();
  await hasRole(relay, 'active');
  await insert();
  await shop.caughtUp();

  expect((await slotNow(shop)).flushed).toMatch(/^1\//);
  await expectAllOnce(shop);
  const records = await shop.records(shop.topicOf('carts'));
  const commits = records.map((record) => identityOf(record).commitLsn);
  expect(commits.filter((commit) => commit < overflow).length).toBeGreaterThan(2);
  expect(commits.filter((commit) => commit >= overflow).length).toBeGreaterThan(2);
  // Nearer than one insert and its commit: the overflow was not jumped over.
  const nearest = commits.map((commit) => (commit < overflow ? overflow - commit : commit - overflow));
  expect(Math.min(...nearest.map(Number))).toBeLessThan(400);
});
