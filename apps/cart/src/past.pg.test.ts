/** Time travel over HTTP, on both carts: as it was, what happened, and back by compensation. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, type CartUnderTest, cartUnderTest } from './cart-under-test.ts';

let cart: CartUnderTest;
beforeAll(async () => {
  cart = await cartUnderTest();
});
afterAll(() => cart?.close());

const skus = ({ body }: Answer) =>
  (body as { items: { sku: string; quantity: number }[] }).items.map(
    ({ sku, quantity }) => `${quantity} ${sku}`,
  );
const token = ({ headers }: Answer) => headers.get('diptych-commit') ?? '';
const problem = ({ status, body }: Answer) => {
  const { code, errors } = body as { code: string; errors: { field: string }[] };
  return [status, code, errors[0]?.field];
};

describe.each(['', '/es'])('%s/carts', (prefix) => {
  const open = async () => (await cart.ask(`POST ${prefix}/carts`)).headers.get('location') ?? '';

  /** The worked example; answers by version. */
  async function example(): Promise<{ path: string; answers: Answer[] }> {
    const opened = await cart.ask(`POST ${prefix}/carts`, { headers: { 'diptych-actor': 'clerk' } });
    const path = opened.headers.get('location') ?? '';
    const answers = [opened];
    const add = async (sku: string) => answers.push(await cart.ask(`POST ${path}/items`, { body: { sku } }));
    await add('banana');
    await add('apple');
    await add('banana');
    answers.push(await cart.ask(`DELETE ${path}/items/apple`, { body: { reason: 'too sour' } }));
    answers.push(await cart.ask(`POST ${path}/discounts`, { body: { code: 'two-bananas' } }));
    await add('mango');
    return { path, answers };
  }

  test('a cart is shown as it was at each version, commit token and time', async () => {
    const { path, answers } = await example();
    const history = (await cart.ask(`GET ${path}/history`)).body as { events: { when: string }[] };
    for (const [index, answer] of answers.entries()) {
      const moments = [`${index + 1}`, token(answer), history.events[index]?.when ?? ''];
      for (const moment of moments) {
        const then = await cart.ask(`GET ${path}?at=${encodeURIComponent(moment)}`);
        expect([moment, then.status, then.body]).toEqual([moment, 200, answer.body]);
        expect(then.headers.get('etag')).toBe(`"${index + 1}"`);
      }
    }
    expect(skus(await cart.ask(`GET ${path}?at=4`))).toEqual(['1 apple', '2 banana']);
    expect((await cart.ask(`GET ${path}`)).body).toEqual(answers.at(-1)?.body);
  });

  test('its history says what, when, who, why and in which transaction, page by page', async () => {
    const { path, answers } = await example();
    const { body } = await cart.ask(`GET ${path}/history`);
    const { events, ...rest } = body as { events: { version: number; type: string }[] };
    expect(rest).toEqual({ cart: Number(path.split('/').at(-1)), version: 7, next: null });
    expect(events.map(({ version, type }) => `${version} ${type}`)).toEqual([
      '1 CartOpened',
      '2 ItemAdded',
      '3 ItemAdded',
      '4 ItemAdded',
      '5 ItemRemoved',
      '6 DiscountApplied',
      '7 ItemAdded',
    ]);
    expect(events[0]).toMatchObject({ who: 'clerk', why: null, what: {} });
    expect(events[4]).toEqual({
      ...{ version: 5, type: 'ItemRemoved', who: 'customer', why: 'too sour' },
      what: { sku: 'apple', name: 'Apple', unitPrice: '1.50', quantity: 1 },
      totals: { subtotal: '2.00', discount: '0.00', total: '2.00' },
      when: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
      transaction: token(answers[4] as Answer).split('@')[0],
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    const page = await cart.ask(`GET ${path}/history?after=2&limit=3`);
    expect(page.body).toEqual({ ...rest, next: 5, events: events.slice(2, 5) });
    expect((await cart.ask(`GET ${path}/history?after=7`)).body).toMatchObject({ events: [], next: null });
  });

  test('a revert makes the contents what they were, by events that say why, and deletes nothing', async () => {
    const { path, answers } = await example();
    const before = (await cart.ask(`GET ${path}/history`)).body as { events: unknown[] };
    const reverted = await cart.ask(`POST ${path}/revert`, {
      ...{ body: { toVersion: 4 }, headers: { 'if-match': '"7"', 'diptych-actor': 'clerk' } },
    });
    const { version: _, id, ...contents } = (answers[3]?.body ?? {}) as Record<string, unknown>;
    expect(reverted.body).toEqual({ ...contents, id, version: 10 });
    expect((await cart.ask(`GET ${path}`)).body).toEqual(reverted.body);
    const after = (await cart.ask(`GET ${path}/history`)).body as { events: Record<string, unknown>[] };
    expect(after.events.slice(0, 7)).toEqual(before.events);
    const compensation = {
      who: 'clerk',
      why: 'reverted to version 4',
      transaction: token(reverted).split('@')[0],
    };
    expect(after.events.slice(7)).toMatchObject([
      { ...compensation, type: 'DiscountRevoked', what: { code: 'two-bananas', requires: null } },
      { ...compensation, type: 'ItemRemoved', what: { sku: 'mango' } },
      { ...compensation, type: 'ItemAdded', what: { sku: 'apple', quantity: 1, unitPrice: '1.50' } },
    ]);
    // The way back is one more compensation.
    const again = await cart.ask(`POST ${path}/revert`, {
      body: { toVersion: 7, reason: 'no, it was right' },
    });
    expect(again.body).toEqual({ ...(answers[6]?.body ?? {}), version: 13 });
    const nothing = await cart.ask(`POST ${path}/revert`, { body: { toVersion: 13 } });
    expect([nothing.status, (nothing.body as { version: number }).version]).toEqual([200, 13]);
  });

  test('a product that came back at another price is taken out and put in at the old one', async () => {
    const path = await open();
    await cart.ask(`POST ${path}/items`, { body: { sku: 'fig', quantity: 3 } });
    await cart.ask(`DELETE ${path}/items/fig`);
    await cart.query(`update products set unit_price = 0.75 where sku = 'fig'`);
    await cart.ask(`POST ${path}/items`, { body: { sku: 'fig', quantity: 2 } });
    await cart.query(`update products set unit_price = 0.70 where sku = 'fig'`);
    const reverted = await cart.ask(`POST ${path}/revert`, { body: { toVersion: 2 } });
    expect(reverted.body).toMatchObject({ version: 6, items: [{ quantity: 3, unitPrice: '0.70' }] });
  });

  test('after checkout and after abandoning nothing is reverted', async () => {
    const { path } = await example();
    await cart.ask(`POST ${path}/checkout`);
    expect(problem(await cart.ask(`POST ${path}/revert`, { body: { toVersion: 2 } }))).toEqual([
      ...[409, 'cart-checked-out', undefined],
    ]);
    const other = await open();
    await cart.ask(`DELETE ${other}`);
    expect(problem(await cart.ask(`POST ${other}/revert`, { body: { toVersion: 1 } }))).toEqual([
      ...[409, 'cart-abandoned', undefined],
    ]);
  });

  test('what is not a moment, a version or a page is refused by the name of the field, and changes nothing', async () => {
    const path = await open();
    const elsewhere = await cart.ask(`POST ${await open()}/items`, { body: { sku: 'fig' } });
    const before = await cart.written();
    const cases: [request: string, body: unknown, refusal: unknown[]][] = [
      [`GET ${path}?at=yesterday`, undefined, [400, 'request-invalid', 'at']],
      [`GET ${path}?at=`, undefined, [400, 'request-invalid', 'at']],
      [`GET ${path}?at=1&at=2`, undefined, [400, 'request-invalid', 'at']],
      [`GET ${path}?att=1`, undefined, [400, 'request-invalid', 'att']],
      [`GET ${path}?at=2`, undefined, [404, 'version-unknown', 'at']],
      [`GET ${path}?at=0`, undefined, [404, 'cart-not-found', 'at']],
      [`GET ${path}?at=2020-01-01T00:00:00Z`, undefined, [404, 'cart-not-found', 'at']],
      [`GET ${path}?at=${token(elsewhere)}`, undefined, [404, 'commit-unknown', 'at']],
      [`GET ${prefix}/carts/99999/history`, undefined, [404, 'cart-not-found', 'id']],
      [`GET ${prefix}/carts/99999?at=1`, undefined, [404, 'version-unknown', 'at']],
      [`GET ${path}/history?after=-1`, undefined, [400, 'request-invalid', 'after']],
      [`GET ${path}/history?limit=0`, undefined, [400, 'request-invalid', 'limit']],
      [`GET ${path}/history?limit=1001`, undefined, [400, 'request-invalid', 'limit']],
      [`POST ${path}/revert`, {}, [400, 'request-invalid', 'toVersion']],
      [`POST ${path}/revert`, { toVersion: 0 }, [400, 'request-invalid', 'toVersion']],
      [`POST ${path}/revert`, { toVersion: '1' }, [400, 'request-invalid', 'toVersion']],
      [`POST ${path}/revert`, { toVersion: 2 }, [404, 'version-unknown', 'toVersion']],
      [`POST ${prefix}/carts/99999/revert`, { toVersion: 1 }, [404, 'cart-not-found', 'id']],
    ];
    for (const [request, body, refusal] of cases) {
      const answer = await cart.ask(request, body === undefined ? {} : { body });
      expect([request, body, problem(answer)]).toEqual([request, body, refusal]);
    }
    expect(await cart.written()).toEqual(before);
  });

  test('a history of which retention has dropped the beginning is said to be incomplete, with where it goes on', async () => {
    const { path } = await example();
    const [aggregatetype, aggregateid] = [prefix === '' ? 'cart' : 'es-cart', path.split('/').at(-1)];
    await cart.query(
      'delete from outbox where aggregatetype = $1 and aggregateid = $2 and aggregateversion < 3',
      [aggregatetype, aggregateid],
    );
    const gone = await cart.ask(`GET ${path}?at=5`);
    expect(problem(gone)).toEqual([410, 'history-incomplete', undefined]);
    expect((gone.body as { detail: string }).detail).toContain('it goes on with version 3');
    expect((await cart.ask(`GET ${path}/history?after=2`)).body).toMatchObject({ version: 7 });
  });
});
