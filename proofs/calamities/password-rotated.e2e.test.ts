/**
 * Proves that a login which Postgres refuses ends the relay with a failure that asks for a person, at once and not after
 * endless attempts, and that a relay with the right one goes on where it was: nothing is lost or repeated.
 */
import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { testBrokers, testDatabase, testPrefix } from '@diptych/testkit/for-tests';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createShop, exitOf, expectAllOnce, hasRole, Relays, terminateWalSender } from './shop-for-tests.ts';

let role: string;
/** A superuser’s, which stays. */
let admin: pg.Client;
let shop: RelayUnderTest;
let relays: Relays;
beforeEach(async () => {
  role = testPrefix();
  const database = await testDatabase();
  admin = new pg.Client({ connectionString: database.url });
  admin.on('error', () => {}); // dropping the database ends it
  await admin.connect();
  await admin.query(`create role ${role} superuser login password 'first'`);
  const own = new URL(database.url);
  [own.username, own.password] = [role, 'first'];
  const drop = async () => {
    await admin.query(`reassign owned by ${role} to current_user`);
    await admin.query(`drop role ${role}`);
    await admin.end();
    await database.drop();
  };
  shop = await createShop(
    {},
    { database: () => Promise.resolve({ url: own.href, drop }), brokers: testBrokers() },
  );
  await shop.initialise();
  relays = await Relays.of(shop);
});
afterEach(async () => {
  await relays.close();
  await shop.close();
});

const withPassword = (password: string): string => {
  const url = new URL(shop.configuration.database.url);
  url.password = password;
  return url.href;
};

test('a password that was changed ends the relay with postgres-refused-login; with the new one it goes on', {
  timeout: 120_000,
}, async () => {
  const before = await relays.add('before');
  before.start();
  await hasRole(before, 'active');
  await shop.sql.query('insert into carts (id) values (1)');
  await shop.caughtUp();
  await admin.query(`alter role ${role} password 'second'`);
  // Sessions outlive their password: the relay publishes on until it has to log in again.
  await shop.sql.query('insert into carts (id) values (2)');
  await shop.caughtUp();
  await terminateWalSender(shop);
  const { code, lastLine } = await exitOf(before);
  expect(code).toBe(4);
  expect(lastLine).toContain('postgres-refused-login');
  await shop.sql.query('insert into carts (id) values (3)');

  const after = await relays.add('after', { settings: { DIPTYCH_DATABASE_URL: withPassword('second') } });
  after.start();
  await hasRole(after, 'active');
  await shop.caughtUp();
  await after.stop();
  await expectAllOnce(shop);
});

test('a role that may no longer log in ends the relay likewise; when it may again, the relay goes on', {
  timeout: 120_000,
}, async () => {
  const running = shop.start();
  await shop.active(running);
  await shop.sql.query('insert into carts (id) values (1)');
  await shop.caughtUp();
  await admin.query(`alter role ${role} nologin`);
  await terminateWalSender(shop);
  await expect(running.ended).rejects.toMatchObject({ code: 'postgres-refused-login', retry: 'operator' });
  await shop.sql.query('insert into carts (id) values (2)');
  await admin.query(`alter role ${role} login`);
  const again = shop.start();
  await shop.active(again);
  await shop.caughtUp();
  await again.stop();
  await expectAllOnce(shop);
});
