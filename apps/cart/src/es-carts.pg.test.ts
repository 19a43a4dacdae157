/** The event-sourced cart is the CRUD cart, of which nothing is kept but events. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, type Asked, type CartUnderTest, cartUnderTest } from './cart-under-test.ts';

let cart: CartUnderTest;
beforeAll(async () => {
  cart = await cartUnderTest();
});
afterAll(() => cart?.close());

/** A request on a cart, without the path of the cart. */
interface Command extends Asked {
  readonly request: string;
}

const sku = fc.constantFrom('banana', 'apple', 'mango', 'durian');
const few = fc.integer({ min: 1, max: 4 });
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ sku, quantity: few }).map((body) => ({ request: 'POST /items', body })),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(sku, few)
      .map(([of, quantity]) => ({ request: `PUT /items/${of}`, body: { quantity } })),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(sku, fc.string({ minLength: 1, maxLength: 5, unit: 'grapheme' }))
      .map(([of, reason]) => ({
        request: `DELETE /items/${of}`,
        body: { reason },
      })),
  },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom('two-bananas', 'mango-season', 'none')
      .map((code) => ({ request: 'POST /discounts', body: { code } })),
  },
  {
    weight: 4,
    arbitrary: fc
      .integer({ min: 1, max: 9 })
      .map((toVersion) => ({ request: 'POST /revert', body: { toVersion } })),
  },
  { weight: 1, arbitrary: fc.constant({ request: 'POST /checkout' }) },
  { weight: 1, arbitrary: fc.constant({ request: 'DELETE ' }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('"2"', '"3"').map((version) => ({
      request: 'POST /items',
      body: { sku: 'apple' },
      headers: { 'if-match': version },
    })),
  },
);

const at = (path: string, { request, ...asked }: Command): Promise<Answer> =>
  cart.ask(request.replace(' ', ` ${path}`), asked);

/** What an answer says, but for the cart's own id. */
const said = ({ status, headers, body }: Answer) => ({
  ...{ status, etag: headers.get('etag'), hasToken: headers.has('diptych-commit') },
  body: { ...(body as object), id: 0 },
});

/** What happened, but for what no two carts have in common. */
const happened = ({ body }: Answer) => {
  const { events, version } = body as { version: number; events: Record<string, unknown>[] };
  return {
    version,
    events: events.map(({ version: number, type, what, totals, who, why }) => [
      number,
      type,
      what,
      totals,
      who,
      why,
    ]),
  };
};

test('over any sequence of commands both answer the same, tell the same events, and were the same at every version', {
  timeout: 240_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 14 }), async (commands) => {
      const crud = (await cart.ask('POST /carts')).headers.get('location') ?? '';
      const es = (await cart.ask('POST /es/carts')).headers.get('location') ?? '';
      expect(es).toMatch(/^\/es\/carts\/\d+$/);
      for (const one of commands) {
        const [byRows, byEvents] = await Promise.all([at(crud, one), at(es, one)]);
        expect(said(byEvents)).toEqual(said(byRows));
      }
      const [rows, events] = await Promise.all([cart.ask(`GET ${crud}`), cart.ask(`GET ${es}`)]);
      expect(said(events)).toEqual(said(rows));
      const histories = await Promise.all([crud, es].map((path) => cart.ask(`GET ${path}/history`)));
      const [ofCrud, ofEs] = histories.map(happened);
      expect(ofEs).toEqual(ofCrud);
      const newest = ofCrud?.version ?? 0;
      for (let version = 1; version <= newest; version += 1) {
        const then = await Promise.all([crud, es].map((path) => cart.ask(`GET ${path}?at=${version}`)));
        expect(said(then[1] as Answer)).toEqual(said(then[0] as Answer));
        expect(then[0]?.body).toMatchObject({ version });
      }
      // What the rows say is what their events say.
      expect(said(await cart.ask(`GET ${crud}?at=${newest}`))).toEqual(said(rows));
    }),
    { numRuns: 25 },
  );
});

test('nothing is written of it but its events and their head', async () => {
  const before = (await cart.written()) as Record<string, unknown>[];
  const path = (await cart.ask('POST /es/carts')).headers.get('location') ?? '';
  await cart.ask(`POST ${path}/items`, { body: { sku: 'banana', quantity: 2 } });
  await cart.ask(`POST ${path}/checkout`);
  const after = (await cart.written()) as Record<string, unknown>[];
  const rowsOf = ([all]: Record<string, unknown>[]) => [all?.carts, all?.items, all?.discounts, all?.keys];
  expect(rowsOf(after)).toEqual(rowsOf(before));
  const id = path.split('/').at(-1);
  expect(
    await cart.query(
      `select type, aggregateversion::int as version from outbox where aggregatetype = 'es-cart' and aggregateid = $1
       order by 2`,
      [id],
    ),
  ).toEqual([
    { type: 'CartOpened', version: 1 },
    { type: 'ItemAdded', version: 2 },
    { type: 'CartCheckedOut', version: 3 },
  ]);
});

test('many commands at once on one cart: each is decided on what the others left, and none is lost', async () => {
  const path = (await cart.ask('POST /es/carts')).headers.get('location') ?? '';
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => cart.ask(`POST ${path}/items`, { body: { sku: 'fig' } })),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
  expect((await cart.ask(`GET ${path}`)).body).toMatchObject({
    version: 9,
    items: [{ sku: 'fig', quantity: 8 }],
  });
});

test('a cart with more events than a snapshot covers is read and changed like every other', {
  timeout: 120_000,
}, async () => {
  const path = (await cart.ask('POST /es/carts')).headers.get('location') ?? '';
  const answers: Answer[] = [];
  for (let turn = 0; turn < 104; turn += 1) {
    answers.push(await cart.ask(`PUT ${path}/items/kiwi`, { body: { quantity: 1 + (turn % 2) } }));
    if (turn === 0) await cart.ask(`POST ${path}/items`, { body: { sku: 'kiwi' } });
  }
  const id = path.split('/').at(-1);
  const snapshots = await cart.query(
    'select version::int, state from outbox_snapshots where aggregateid = $1',
    [id],
  );
  expect(snapshots).toMatchObject([{ version: 100, state: { version: 100, cartId: Number(id) } }]);
  const { body } = await cart.ask(`GET ${path}`);
  expect(body).toEqual(answers.at(-1)?.body);
  await cart.query('truncate outbox_snapshots');
  expect((await cart.ask(`GET ${path}`)).body).toEqual(body);
});
