import { readCartEvent } from '@diptych/contracts/cart-events';
import { fold } from '@diptych/contracts/cart-fold';
import { type Money, times, toCents } from '@diptych/contracts/money';
import { present } from '@diptych/runtime/assert';
import { poll } from '@diptych/runtime/poll';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CartUnderTest, cartUnderTest } from './cart-under-test.ts';
import { viewCart } from './cart-view.ts';
import { discountCatalogue } from './discount-catalogue.ts';

let cart: CartUnderTest;

beforeAll(async () => {
  cart = await cartUnderTest();
});
afterAll(() => cart?.close());

const idOf = (path: string) => path.split('/')[2] ?? '';

async function eventsOf(path: string): Promise<{ type: string; payload: unknown; version: number }[]> {
  return cart.query(
    'select type, payload, aggregateversion::int as version from outbox where aggregateid = $1 order by aggregateversion',
    [idOf(path)],
  );
}

/** The cart folded from its events, as HTTP would show it. */
async function folded(path: string): Promise<unknown> {
  const events = (await eventsOf(path)).map((row) => {
    const read = readCartEvent(row);
    if (!read.ok) throw new Error(read.detail);
    return read.event;
  });
  const state = fold(events);
  return state && viewCart(state);
}

test('products and their prices are listed, and every discount is worth less than what it requires costs', async () => {
  const { body, status } = await cart.ask('GET /products');
  const { products } = body as { products: { sku: string; name: string; unitPrice: Money }[] };
  expect(status).toBe(200);
  expect(products).toHaveLength(15);
  expect(products).toContainEqual({ sku: 'banana', name: 'Banana', unitPrice: '1.00' });
  for (const { amount, requires } of discountCatalogue) {
    const { unitPrice } = present(
      products.find(({ sku }) => sku === requires.sku),
      requires.sku,
    );
    expect(toCents(times(unitPrice, requires.quantity))).toBeGreaterThan(-toCents(amount));
  }
});

describe('rows and events', () => {
  test('fold to the same cart, through every command, a revoked discount and an abandoned cart', async () => {
    const path = await cart.open();
    await cart.ask(`POST ${path}/items`, { body: { sku: 'banana', quantity: 3 } });
    await cart.ask(`POST ${path}/items`, { body: { sku: 'pear', quantity: 2 } });
    await cart.ask(`POST ${path}/discounts`, { body: { code: 'two-bananas' } });
    const changed = await cart.ask(`PUT ${path}/items/banana`, { body: { quantity: 1, reason: 'bruised' } });
    expect(changed.body).toMatchObject({ version: 6, discounts: [], totals: { total: '2.80' } });
    expect(changed.headers.get('etag')).toBe('"6"');
    await cart.ask(`DELETE ${path}/items/pear`);
    const answer = await cart.ask(`DELETE ${path}`, { body: { reason: 'changed my mind' } });

    expect(answer.body).toMatchObject({ status: 'abandoned', version: 8 });
    expect((await cart.ask(`GET ${path}`)).body).toEqual(answer.body);
    expect(await folded(path)).toEqual(answer.body);
    expect((await eventsOf(path)).map(({ type, version }) => [version, type])).toEqual([
      [1, 'CartOpened'],
      [2, 'ItemAdded'],
      [3, 'ItemAdded'],
      [4, 'DiscountApplied'],
      [5, 'QuantityChanged'],
      [6, 'DiscountRevoked'],
      [7, 'ItemRemoved'],
      [8, 'CartAbandoned'],
    ]);
  });

  test('of one command share one transaction, and the token names it', async () => {
    const path = await cart.open();
    await cart.ask(`POST ${path}/items`, { body: { sku: 'banana', quantity: 2 } });
    await cart.ask(`POST ${path}/discounts`, { body: { code: 'two-bananas' } });
    const [before] = await cart.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
    const removed = await cart.ask(`DELETE ${path}/items/banana`);
    const [xid, lsn] = (removed.headers.get('diptych-commit') ?? '').split('@');
    const rows = await cart.query(
      `select type, xid::text as xid,
         (select xmin::text from carts where id = $1::int) as row_xid, $2::pg_lsn > $3::pg_lsn as after_commit
       from outbox where aggregateid = $1::text and aggregateversion > 3 order by aggregateversion`,
      [idOf(path), lsn, before?.lsn],
    );
    expect(rows).toEqual([
      { type: 'ItemRemoved', xid, row_xid: xid, after_commit: true },
      { type: 'DiscountRevoked', xid, row_xid: xid, after_commit: true },
    ]);
  });

  test('a quantity that already is as wanted writes nothing and still answers with cart, ETag and token', async () => {
    const path = await cart.open();
    await cart.ask(`POST ${path}/items`, { body: { sku: 'fig', quantity: 2 } });
    const same = await cart.ask(`PUT ${path}/items/fig`, { body: { quantity: 2 } });
    expect(same.status).toBe(200);
    expect(same.headers.get('etag')).toBe('"2"');
    expect(same.headers.get('diptych-commit')).toMatch(/@/);
    expect(await eventsOf(path)).toHaveLength(2);
  });

  test('a cart that a legacy writer made can be commanded; its events begin with the first of ours', async () => {
    const [row] = await cart.query<{ id: number }>('insert into carts (version) values (7) returning id');
    const answer = await cart.ask(`POST /carts/${row?.id}/items`, { body: { sku: 'kiwi' } });
    expect(answer.body).toMatchObject({ version: 8 });
    expect((await eventsOf(`/carts/${row?.id}`)).map(({ type, version }) => [version, type])).toEqual([
      [1, 'ItemAdded'],
    ]);
  });
});

describe('If-Match', () => {
  test('with the current version the command is carried out, with a stale or weak one it answers 412 and changes nothing', async () => {
    const path = await cart.open();
    const asked = (tag: string) =>
      cart.ask(`POST ${path}/items`, { body: { sku: 'banana' }, headers: { 'if-match': tag } });
    expect((await asked('"1"')).status).toBe(200);
    const before = await cart.written();
    for (const tag of ['"1"', 'W/"2"', '"7", "1"', '""']) {
      const refused = await asked(tag);
      expect(refused).toMatchObject({
        status: 412,
        body: { code: 'version-stale', errors: [{ field: 'if-match' }] },
      });
      expect(refused.headers.has('diptych-commit')).toBe(false);
    }
    expect(await cart.written()).toEqual(before);
    expect((await asked('"9", "2"')).status).toBe(200);
    expect((await asked('*')).status).toBe(200);
  });

  test('of many commands with the same version exactly one is carried out', async () => {
    const path = await cart.open();
    const answers = await Promise.all(
      Array.from({ length: 12 }, () =>
        cart.ask(`POST ${path}/items`, { body: { sku: 'banana' }, headers: { 'if-match': '"1"' } }),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 412)).toHaveLength(11);
  });
});

describe('parallel commands on one cart', () => {
  test('come one after the other and none is lost', async () => {
    const path = await cart.open();
    const skus = ['banana', 'apple', 'mango', 'fig'];
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, n) =>
        cart.ask(`POST ${path}/items`, { body: { sku: skus[n % skus.length], quantity: 1 } }),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const versions = answers.map(({ headers }) => Number(headers.get('etag')?.slice(1, -1)));
    expect(versions.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 24 }, (_, n) => n + 2));
    const last = await cart.ask(`GET ${path}`);
    expect(last.body).toMatchObject({
      version: 25,
      items: skus.toSorted().map((sku) => ({ sku, quantity: 6 })),
    });
    expect(await folded(path)).toEqual(last.body);
    expect((await eventsOf(path)).map(({ version }) => version)).toEqual(
      Array.from({ length: 25 }, (_, n) => n + 1),
    );
  });

  test('a cart is read whole: never the version of one moment with the items of another', async () => {
    const path = await cart.open();
    const id = Number(idOf(path));
    // The reader has read the version when it meets the lock; items and version change before it reads on.
    await cart.query('begin');
    await cart.query('lock table cart_items in access exclusive mode');
    const reading = cart.ask(`GET ${path}`);
    await poll(
      async () => {
        const waiting = await cart.query(
          "select from pg_locks where relation = 'cart_items'::regclass and not granted",
        );
        return waiting.length > 0 ? true : undefined;
      },
      { what: 'the reader waits for the items', timeoutMs: 10_000 },
    );
    await cart.query("insert into cart_items values ($1, 'fig', 'Fig', 1, 0.70)", [id]);
    await cart.query('update carts set version = 2 where id = $1', [id]);
    await cart.query('commit');
    expect((await reading).body).toMatchObject({ version: 1, items: [] });
    expect((await cart.ask(`GET ${path}`)).body).toMatchObject({ version: 2, items: [{ sku: 'fig' }] });
  });
});
