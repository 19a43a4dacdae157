import { drizzle } from 'drizzle-orm/node-postgres';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, type CartUnderTest, cartUnderTest } from './cart-under-test.ts';
import { forgetOldAnswers } from './idempotency.ts';

let cart: CartUnderTest;

beforeAll(async () => {
  cart = await cartUnderTest();
});
afterAll(() => cart?.close());

describe('Idempotency-Key', () => {
  const headers = { 'idempotency-key': 'retry-1' };
  const essence = ({ status, text, headers: got }: Answer) => ({
    status,
    text,
    etag: got.get('etag'),
    location: got.get('location'),
    xid: got.get('diptych-commit')?.split('@')[0],
  });

  test('a retry answers the same, byte for byte, and writes once', async () => {
    const first = await cart.ask('POST /carts', { headers });
    const path = first.headers.get('location') ?? '';
    const adding = { body: { sku: 'banana' }, headers: { 'idempotency-key': 'retry-2', 'if-match': '"1"' } };
    const added = await cart.ask(`POST ${path}/items`, adding);
    await cart.ask(`POST ${path}/items`, { body: { sku: 'mango' } });
    const before = await cart.written();

    expect(essence(await cart.ask('POST /carts', { headers }))).toEqual(essence(first));
    expect(essence(await cart.ask(`POST ${path}/items`, adding))).toEqual(essence(added));
    expect(await cart.written()).toEqual(before);
    expect(first.status).toBe(201);
    expect(added.status).toBe(200);
  });

  test('the same key for something else answers 422 and changes nothing', async () => {
    const path = await cart.open();
    const asked = (body: unknown) =>
      cart.ask(`POST ${path}/items`, { body, headers: { 'idempotency-key': 'retry-3' } });
    await asked({ sku: 'banana' });
    const before = await cart.written();
    expect(await asked({ sku: 'apple' })).toMatchObject({
      status: 422,
      body: { code: 'idempotency-key-reused', errors: [{ field: 'idempotency-key' }] },
    });
    const elsewhere = await cart.ask('POST /carts', { headers: { 'idempotency-key': 'retry-3' } });
    expect(elsewhere.status).toBe(422);
    expect(await cart.written()).toEqual(before);
  });

  test('the same key many times at once writes once, and all get the one answer', async () => {
    const path = await cart.open();
    const answers = await Promise.all(
      Array.from({ length: 15 }, () =>
        cart.ask(`POST ${path}/items`, {
          body: { sku: 'banana' },
          headers: { 'idempotency-key': 'retry-4' },
        }),
      ),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(essence(answer)))).size).toBe(1);
    expect(answers[0]?.status).toBe(200);
    expect((await cart.ask(`GET ${path}`)).body).toMatchObject({ version: 2, items: [{ quantity: 1 }] });
    expect(await cart.query('select from outbox where aggregateid = $1', [path.split('/')[2]])).toHaveLength(
      2,
    );
  });

  test('a refusal is not kept: the retry is judged anew', async () => {
    const path = await cart.open();
    const checkOut = () => cart.ask(`POST ${path}/checkout`, { headers: { 'idempotency-key': 'retry-5' } });
    expect((await checkOut()).status).toBe(409);
    await cart.ask(`POST ${path}/items`, { body: { sku: 'banana' } });
    expect((await checkOut()).status).toBe(200);
    expect((await checkOut()).status).toBe(200);
  });

  test('answers are kept for a day and then forgotten', async () => {
    const first = await cart.ask('POST /carts', { headers: { 'idempotency-key': 'retry-6' } });
    await cart.ask('POST /carts', { headers: { 'idempotency-key': 'retry-7' } });
    const age = 'update idempotency_keys set created_at = now() - $2::interval where key = $1';
    await cart.query(age, ['retry-6', '25 hours']);
    await cart.query(age, ['retry-7', '23 hours']);
    const pool = new Pool({ connectionString: cart.databaseUrl });
    await forgetOldAnswers(drizzle({ client: pool }));
    await pool.end();
    const kept = await cart.query<{ key: string }>(
      "select key from idempotency_keys where key in ('retry-6', 'retry-7')",
    );
    expect(kept).toEqual([{ key: 'retry-7' }]);
    const anew = await cart.ask('POST /carts', { headers: { 'idempotency-key': 'retry-6' } });
    expect(anew.headers.get('location')).not.toBe(first.headers.get('location'));
  });
});
