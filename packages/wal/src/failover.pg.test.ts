import { testDatabase, testPrefix } from '@diptych/testkit/for-tests';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Catalogue, openCatalogue } from './catalogue.ts';
import { alterSlotFailover, failoverGaps, observeFailover, supportsFailover } from './failover.ts';
import { createSlot, inspectSlot } from './slot.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let catalogue: Catalogue;
beforeEach(async () => {
  database = await testDatabase();
  const { username, password, host, pathname } = new URL(database.url);
  // The first of the two servers is down.
  const both = `postgres://${username}:${password}@127.0.0.1:1,${host}${pathname}`;
  catalogue = await openCatalogue(both);
});
afterEach(async () => {
  await catalogue.close();
  await database.drop();
});

test('of several servers the one that answers as the primary is connected to, and named', () => {
  expect(new URL(catalogue.databaseUrl).host).toBe(new URL(database.url).host);
});

test('a slot that was made without failover gets it, and loses it again', async () => {
  const name = testPrefix();
  expect(await supportsFailover(catalogue)).toBe(true);
  await createSlot({ creator: catalogue, observer: catalogue, name, failover: false, waitingFor: () => {} });
  const failover = async () => (await inspectSlot(catalogue, name))?.failover;
  expect(await failover()).toBe(false);
  await alterSlotFailover(catalogue, { name, failover: true });
  expect(await failover()).toBe(true);
  await alterSlotFailover(catalogue, { name, failover: false });
  expect(await failover()).toBe(false);
});

test('a server without a standby lacks nothing, with failover or without', async () => {
  const name = testPrefix();
  await createSlot({ creator: catalogue, observer: catalogue, name, failover: true, waitingFor: () => {} });
  const observed = await observeFailover(catalogue, name);
  expect(observed).toMatchObject({ slotFailover: true, namedSlots: [] });
  expect(failoverGaps({ ...observed, physicalSlots: [], standbysWithoutSlot: [] })).toEqual([]);
});
