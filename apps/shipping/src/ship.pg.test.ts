import { randomUUID } from 'node:crypto';
import type { IncomingRecord } from '@diptych/kafka/record';
import { testDatabase } from '@diptych/testkit/for-tests';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkout, headersOf, type TestEvent } from './for-tests.ts';
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

function record(event: TestEvent): IncomingRecord {
  return {
    topic: 'outbox.event.cart',
    partition: 0,
    offset: 0n,
    key: Buffer.from(String(event.cartId)),
    value: Buffer.from(JSON.stringify(event.payload ?? checkout(event.cartId))),
    headers: new Map(headersOf(event)),
    timestampMs: 0,
  };
}

async function inboxHolds(eventId: string): Promise<boolean> {
  const { rowCount } = await pool.query('select 1 from inbox where event_id = $1', [eventId]);
  return rowCount === 1;
}

test('a checked-out cart is shipped with its lines and its total, to the cent', async () => {
  const id = randomUUID();
  expect(await ship(pool, record({ cartId: 101, id }))).toBe('shipped');
  expect(await readShipment(pool, 101)).toEqual({
    cartId: 101,
    lines: checkout(101).lines,
    total: '3.90',
    eventId: id,
    shippedAt: expect.any(Date),
  });
  expect(await inboxHolds(id)).toBe(true);
});

test('the same checkout again ships nothing', async () => {
  const again = record({ cartId: 102 });
  expect(await ship(pool, again)).toBe('shipped');
  const before = await readShipment(pool, 102);
  expect(await ship(pool, again)).toBe('repeated');
  expect(await readShipment(pool, 102)).toEqual(before);
});

test('other events are passed over, known or not, of any version, and leave no inbox row', async () => {
  for (const type of ['CartOpened', 'CartAbandoned', 'CartGiftWrapped']) {
    const id = randomUUID();
    expect(await ship(pool, record({ cartId: 103, id, type, version: 9, payload: {} }))).toBe('passed-over');
    expect(await inboxHolds(id)).toBe(false);
  }
  expect(await readShipment(pool, 103)).toBeUndefined();
});

test('a field that a later version may add does not stop the shipment', async () => {
  const payload = { ...checkout(104), giftWrap: true };
  expect(await ship(pool, record({ cartId: 104, payload }))).toBe('shipped');
});

test.each([
  { what: 'an unknown version', event: { version: 2 }, why: 'version 2, known is 1' },
  { what: 'no lines', event: { payload: { ...checkout(105), lines: [] } }, why: 'payload.lines' },
  {
    what: 'a float for money',
    event: { payload: { ...checkout(105), totals: { total: 3.9 } } },
    why: 'payload.totals',
  },
  { what: 'no object', event: { payload: 'checked out' }, why: 'payload' },
])('a checkout with $what is refused and leaves no trace', async ({ event, why }) => {
  const id = randomUUID();
  const refused = ship(pool, record({ cartId: 105, id, ...event }));
  await expect(refused).rejects.toMatchObject({
    code: 'event-malformed',
    message: expect.stringContaining(why),
  });
  expect(await inboxHolds(id)).toBe(false);
  expect(await readShipment(pool, 105)).toBeUndefined();
});

test('a second, different checkout of a cart is refused, and leaves the shipment as it was', async () => {
  const [first, second] = [randomUUID(), randomUUID()];
  await ship(pool, record({ cartId: 106, id: first }));
  const refused = ship(pool, record({ cartId: 106, id: second }));
  await expect(refused).rejects.toMatchObject({ code: 'event-contradictory', retry: 'operator' });
  expect(await inboxHolds(second)).toBe(false);
  expect(await readShipment(pool, 106)).toMatchObject({ eventId: first });
});

test('a cart id beyond 32 bits is kept to the last digit', async () => {
  const cartId = Number.MAX_SAFE_INTEGER;
  await ship(pool, record({ cartId }));
  expect(await readShipment(pool, cartId)).toMatchObject({ cartId });
});

test('shipments are read in pages, by cart', async () => {
  for (const cartId of [203, 201, 202]) await ship(pool, record({ cartId }));
  const page = await readShipments(pool, { afterCartId: 200, limit: 2 });
  expect(page.map(({ cartId }) => cartId)).toEqual([201, 202]);
});

test('services that start at once create the tables once', async () => {
  await pool.query('drop table inbox, shipments');
  await Promise.all(Array.from({ length: 5 }, () => createTables(pool)));
  expect(await readShipments(pool, { afterCartId: 0, limit: 1 })).toEqual([]);
});
