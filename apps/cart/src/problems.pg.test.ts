import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CartUnderTest, cartUnderTest } from './cart-under-test.ts';

let cart: CartUnderTest;
const log: string[] = [];
const json = { 'content-type': 'application/json' };
const items = 'POST /carts/101/items';

beforeAll(async () => {
  cart = await cartUnderTest({ log });
  await cart.open();
});
afterAll(() => cart?.close());

test('all wrong fields of a request are named at once', async () => {
  const answer = await cart.ask(items, { body: { quantity: 0, gift: true, wrap: 'red' } });
  const { errors } = answer.body as { errors: { field: string }[] };
  expect(errors.map(({ field }) => field).toSorted()).toEqual(['gift', 'quantity', 'sku', 'wrap']);
});

test('a body of just 64 KiB is read', async () => {
  const start = '{"sku":"banana","reason":"';
  const raw = `${start}${'x'.repeat(65_536 - start.length - 2)}"}`;
  expect(Buffer.byteLength(raw)).toBe(65_536);
  expect(await cart.ask(items, { raw, headers: json })).toMatchObject({
    status: 400,
    body: { code: 'request-invalid' },
  });
});

test('what is not HTTP is answered with 400 and the service goes on', async () => {
  const { port } = new URL(cart.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.end('BANANA\r\n\r\n');
  expect(await text(socket)).toMatch(/^HTTP\/1.1 400/);
  expect((await cart.ask('GET /healthz')).status).toBe(200);
});

test('a failure of our own is answered without its reason, and logged without row values', async () => {
  const before = await cart.written();
  // Postgres refuses the row, and its detail and drizzle's message quote it.
  await cart.query('alter table cart_items add constraint nothing_fits check (quantity < 0) not valid');
  try {
    const answer = await cart.ask('POST /carts/101/items', {
      body: { sku: 'apple', reason: 'a very secret reason' },
    });
    expect(answer).toMatchObject({ status: 500, body: { code: 'internal-error', errors: [] } });
    expect(answer.text).not.toMatch(/constraint|cart_items|secret| at /);
    expect(log.join('')).toContain('nothing_fits');
    expect(log.join('')).not.toMatch(/Failing row|secret|Apple/);
  } finally {
    await cart.query('alter table cart_items drop constraint nothing_fits');
  }
  expect(await cart.written()).toEqual(before);
});
