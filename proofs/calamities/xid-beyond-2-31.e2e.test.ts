/**
 * Proves that transaction ids are unsigned: those from 2^31 on, which the protocol's Int32 would show as negative, and those
 * after 2^32, where the 32-bit id begins anew and the 64-bit one does not.
 * https://www.postgresql.org/docs/18/transaction-id.html
 */

import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { parseLossless } from '@diptych/runtime/json';
import { withDatabase } from '@diptych/testkit/database';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type OwnPostgres, startOwnPostgres } from './own-postgres-for-tests.ts';
import { resetWal } from './reset-wal-for-tests.ts';
import { createShop, expectAllOnce, identityOf, idOf } from './shop-for-tests.ts';

let postgres: OwnPostgres;
let shop: RelayUnderTest | null = null;
beforeEach(async () => {
  postgres = await startOwnPostgres({ initdbArguments: ['-c', 'autovacuum=off', '-c', 'fsync=off'] });
});
afterEach(async () => {
  await shop?.close();
  shop = null;
  await postgres.remove();
});

/** Nothing old may hang on an id that would be in the future then. */
async function freeze(): Promise<void> {
  for (const name of ['postgres', 'template1']) {
    const client = new pg.Client({ connectionString: withDatabase(postgres.databaseUrl, name) });
    await client.connect();
    await client.query('vacuum freeze');
    await client.end();
  }
}

const rows = 12;

test.each([
  ['2^31', 2n ** 31n],
  ['2^32', 2n ** 32n],
])(
  'transactions before and after id %s carry the id that the server says, once each and in order',
  {
    timeout: 120_000,
  },
  async (_name, border) => {
    await freeze();
    await postgres.control.stop();
    await resetWal(postgres.dataDirectory, { nextXid: border - 40n });
    await postgres.control.start();
    shop = await createShop({}, postgres.servers);
    await shop.initialise();
    let running = shop.start();
    await shop.active(running);

    const ids = new Map<number, bigint>();
    const next = async () => {
      const { rows: now } = await (shop as RelayUnderTest).sql.query<{ xid: string }>(
        'select pg_current_xact_id()::text as xid',
      );
      return BigInt(now[0]?.xid ?? 0);
    };
    while ((await next()) < border - 10n);
    for (let id = 1; id <= rows; id += 1) {
      // A savepoint takes an id of its own: the transaction's is what counts.
      await shop.sql.query('begin');
      ids.set(id, await next());
      await shop.sql.query('savepoint s');
      await shop.sql.query('insert into carts (id) values ($1)', [id]);
      await shop.sql.query(
        `insert into outbox (aggregatetype, aggregateid, type, payload) values ('cart', $1, 'Opened', '{}')`,
        [id],
      );
      await shop.sql.query('commit');
      if (id !== rows / 2) continue;
      await running.stop();
      running = shop.start();
    }
    await shop.caughtUp();
    await running.stop();

    expect([...ids.values()].some((xid) => xid < border)).toBe(true);
    expect([...ids.values()].some((xid) => xid > border)).toBe(true);
    await expectAllOnce(shop);
    const low = (xid: bigint | undefined) => Number(BigInt.asUintN(32, xid ?? -1n));
    for (const record of await shop.records(shop.topicOf('carts'))) {
      const xid = low(ids.get(idOf(record)));
      expect(identityOf(record).xid).toBe(xid);
      const { source } = parseLossless(String(record.value)) as { source: { txId: number } };
      expect(Number(source.txId)).toBe(xid);
    }
    const events = await shop.records(shop.domainTopic('cart'));
    expect(events).toHaveLength(rows);
    expect(new Map(events.map((event) => [Number(event.key), identityOf(event).xid]))).toEqual(
      new Map([...ids].map(([id, xid]) => [id, low(xid)])),
    );
    expect(await shop.records(shop.transactionTopic)).toHaveLength(rows);
  },
);
