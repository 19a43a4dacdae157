import { randomUUID } from 'node:crypto';
import { inTransaction } from '@diptych/inbox/transaction';
import { testDatabase } from '@diptych/testkit/for-tests';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkout, checkoutEvent, readForTests } from './for-tests.ts';
import { ship } from './ship.ts';
import { createTables, readShipment, readShipments } from './shipments.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: pg.Pool;

beforeAll(async () => {
  database = await testDatabase();
  pool = new pg.Pool({ connectionString: database.url });
  await createTables(pool);
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

/** Ships in a transaction of its own, as the inbox does. */
const shipped = (cartId: number, id: string = randomUUID()) =>
  inTransaction(pool, (tx) => ship(checkoutEvent({ cartId, id }), tx));

test('a checked-out cart is shipped with its lines and its total, to the cent', async () => {
  const id = randomUUID();
  await shipped(101, id);
  expect(await readShipment(pool, 101)).toEqual({
    cartId: 101,
    lines: checkout(101).lines,
    total: '3.90',
    eventId: id,
    shippedAt: expect.any(Date),
  });
});

test('the same checkout ships nothing when the inbox has forgotten it', async () => {
  const id = randomUUID();
  await shipped(102, id);
  const before = await readShipment(pool, 102);
  await shipped(102, id.toUpperCase());
  expect(await readShipment(pool, 102)).toEqual(before);
});

test('a second, different checkout of a cart is refused, and leaves the shipment as it was', async () => {
  const first = randomUUID();
  await shipped(106, first);
  await expect(shipped(106)).rejects.toMatchObject({ code: 'event-contradictory', retry: 'operator' });
  expect(await readShipment(pool, 106)).toMatchObject({ eventId: first });
});

test.each([
  { what: 'no lines', payload: { ...checkout(105), lines: [] }, why: 'payload.lines' },
  { what: 'a float for money', payload: { ...checkout(105), totals: { total: 3.9 } }, why: 'payload.totals' },
  { what: 'no object', payload: 'checked out', why: 'payload' },
])('a checkout with $what is never given to be shipped', ({ payload, why }) => {
  const reading = readForTests({ cartId: 105, payload });
  expect(reading).toMatchObject({
    tag: 'unreadable',
    failure: { code: 'event-malformed', message: expect.stringContaining(why) },
  });
});

test('a field that a later writer may add does not stop the shipment', () => {
  expect(readForTests({ cartId: 104, payload: { ...checkout(104), giftWrap: true } }).tag).toBe('event');
});

test('a cart id beyond 32 bits is kept to the last digit', async () => {
  const cartId = Number.MAX_SAFE_INTEGER;
  await shipped(cartId);
  expect(await readShipment(pool, cartId)).toMatchObject({ cartId });
});

test('shipments are read in pages, by cart', async () => {
  for (const cartId of [203, 201, 202]) await shipped(cartId);
  const page = await readShipments(pool, { afterCartId: 200, limit: 2 });
  expect(page.map(({ cartId }) => cartId)).toEqual([201, 202]);
});

test('services that start at once create the tables once', async () => {
  await pool.query('drop table inbox, inbox_positions, inbox_parked, shipments');
  await Promise.all(Array.from({ length: 5 }, () => createTables(pool)));
  expect(await readShipments(pool, { afterCartId: 0, limit: 1 })).toEqual([]);
});
