import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Asked, type CartUnderTest, cartUnderTest } from './cart-under-test.ts';

let cart: CartUnderTest;
let before: unknown;

beforeAll(async () => {
  cart = await cartUnderTest();
  await cart.open(); // 101 is open, with bananas
  await cart.ask('POST /carts/101/items', { body: { sku: 'banana', quantity: 998 } });
  await cart.open(); // 102 is checked out
  await cart.ask('POST /carts/102/items', { body: { sku: 'apple' } });
  await cart.ask('POST /carts/102/checkout');
  await cart.open(); // 103 is abandoned
  await cart.ask('DELETE /carts/103');
  await cart.open(); // 104 is empty
  before = await cart.written();
});
afterAll(() => cart?.close());

type Case = [what: string, request: string, asked: Asked, status: number, code: string, field?: string];

const json = { 'content-type': 'application/json' };
const items = 'POST /carts/101/items';
const banana = 'PUT /carts/101/items/banana';
const big = JSON.stringify({ sku: 'banana', reason: 'x'.repeat(65_536) });

const unknown: Case[] = [
  ['an unknown cart', 'GET /carts/999', {}, 404, 'cart-not-found', 'id'],
  ['a command on an unknown cart', 'POST /carts/999/checkout', {}, 404, 'cart-not-found', 'id'],
  ['abandoning an unknown cart', 'DELETE /carts/999', {}, 404, 'cart-not-found', 'id'],
  ['a cart id beyond 32 bits', 'GET /carts/2147483648', {}, 404, 'cart-not-found', 'id'],
  [
    'a command on an id beyond 64 bits',
    'POST /carts/99999999999999999999/checkout',
    {},
    404,
    'cart-not-found',
    'id',
  ],
  ['a cart id that is no number', 'GET /carts/abc', {}, 400, 'request-invalid', 'id'],
  ['a negative cart id', 'GET /carts/-1', {}, 400, 'request-invalid', 'id'],
  ['an unknown product', items, { body: { sku: 'durian' } }, 404, 'product-not-found', 'sku'],
  [
    'changing what is not in the cart',
    'PUT /carts/101/items/apple',
    { body: { quantity: 1 } },
    404,
    'item-not-in-cart',
    'sku',
  ],
  ['removing what is not in the cart', 'DELETE /carts/101/items/apple', {}, 404, 'item-not-in-cart', 'sku'],
  [
    'an unknown discount',
    'POST /carts/101/discounts',
    { body: { code: 'free' } },
    404,
    'discount-not-found',
    'code',
  ],
  ['an unknown path', 'GET /wagons', {}, 404, 'route-not-found'],
  ['an unknown method', 'PATCH /carts/101', { body: {} }, 404, 'route-not-found'],
  ['a path that is not UTF-8', 'GET /carts/%ff', {}, 400, 'request-invalid'],
];

const quantities: Case[] = [0, -1, 1.5, 1000, 1e21, '1', null, true, [1]].flatMap((quantity): Case[] => [
  [
    `adding quantity ${JSON.stringify(quantity)}`,
    items,
    { body: { sku: 'banana', quantity } },
    400,
    'request-invalid',
    'quantity',
  ],
  [
    `setting quantity ${JSON.stringify(quantity)}`,
    banana,
    { body: { quantity } },
    400,
    'request-invalid',
    'quantity',
  ],
]);

const bodies: Case[] = [
  [
    'a sum beyond 999',
    items,
    { body: { sku: 'banana', quantity: 2 } },
    409,
    'quantity-exceeds-limit',
    'quantity',
  ],
  ['no quantity', banana, { body: {} }, 400, 'request-invalid', 'quantity'],
  ['no body', items, {}, 400, 'request-invalid', 'body'],
  ['a body that is no object', items, { body: [] }, 400, 'request-invalid', 'body'],
  ['no sku', items, { body: { quantity: 1 } }, 400, 'request-invalid', 'sku'],
  [
    'a price from the client',
    items,
    { body: { sku: 'apple', unitPrice: '0.01' } },
    400,
    'request-invalid',
    'unitPrice',
  ],
  [
    'an unknown field where none is needed',
    'POST /carts',
    { body: { coupon: 1 } },
    400,
    'request-invalid',
    'coupon',
  ],
  [
    'an unknown field at checkout',
    'POST /carts/101/checkout',
    { body: { total: '0.00' } },
    400,
    'request-invalid',
    'total',
  ],
  ['NUL in a reason', items, { body: { sku: 'apple', reason: 'a\0b' } }, 400, 'request-invalid', 'reason'],
  [
    'half a surrogate pair',
    items,
    { raw: '{"sku":"apple","reason":"\\ud800"}', headers: json },
    400,
    'request-invalid',
    'reason',
  ],
  ['NUL in a sku', 'DELETE /carts/101/items/%00', {}, 400, 'request-invalid', 'sku'],
  [
    'an endless reason',
    items,
    { body: { sku: 'apple', reason: 'x'.repeat(501) } },
    400,
    'request-invalid',
    'reason',
  ],
  ['malformed JSON', items, { raw: '{"sku": ', headers: json }, 400, 'json-malformed', 'body'],
  ['an empty body that claims to be JSON', items, { headers: json }, 400, 'json-malformed', 'body'],
  [
    'a poisoned prototype',
    items,
    { raw: '{"sku":"apple","__proto__":{"a":1}}', headers: json },
    400,
    'json-malformed',
    'body',
  ],
  [
    'a form',
    items,
    { raw: 'sku=banana', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    415,
    'media-type-unsupported',
    'content-type',
  ],
  [
    'plain text',
    items,
    { raw: '{"sku":"banana"}', headers: { 'content-type': 'text/plain' } },
    415,
    'media-type-unsupported',
    'content-type',
  ],
  [
    'a media type that is none',
    items,
    { raw: '{}', headers: { 'content-type': 'json' } },
    415,
    'media-type-unsupported',
    'content-type',
  ],
  [
    'bytes without a media type',
    items,
    { raw: Buffer.from('{}') },
    415,
    'media-type-unsupported',
    'content-type',
  ],
  ['a body over 64 KiB', items, { raw: big, headers: json }, 413, 'body-too-large', 'body'],
];

const states: Case[] = [
  [
    'adding to a checked-out cart',
    'POST /carts/102/items',
    { body: { sku: 'apple' } },
    409,
    'cart-checked-out',
  ],
  [
    'an unknown product in a checked-out cart',
    'POST /carts/102/items',
    { body: { sku: 'durian' } },
    409,
    'cart-checked-out',
  ],
  [
    'changing a checked-out cart',
    'PUT /carts/102/items/apple',
    { body: { quantity: 2 } },
    409,
    'cart-checked-out',
  ],
  ['removing from a checked-out cart', 'DELETE /carts/102/items/apple', {}, 409, 'cart-checked-out'],
  [
    'a discount on a checked-out cart',
    'POST /carts/102/discounts',
    { body: { code: 'two-bananas' } },
    409,
    'cart-checked-out',
  ],
  ['checking out twice', 'POST /carts/102/checkout', {}, 409, 'cart-checked-out'],
  ['abandoning a checked-out cart', 'DELETE /carts/102', {}, 409, 'cart-checked-out'],
  ['adding to an abandoned cart', 'POST /carts/103/items', { body: { sku: 'apple' } }, 409, 'cart-abandoned'],
  ['checking out an abandoned cart', 'POST /carts/103/checkout', {}, 409, 'cart-abandoned'],
  ['checking out an empty cart', 'POST /carts/104/checkout', {}, 409, 'cart-empty'],
  [
    'a discount without what it requires',
    'POST /carts/104/discounts',
    { body: { code: 'two-bananas' } },
    409,
    'discount-requirement-unmet',
    'code',
  ],
];

const headers: Case[] = [
  [
    'an If-Match without quotes',
    items,
    { body: { sku: 'apple' }, headers: { 'if-match': '1' } },
    400,
    'request-invalid',
    'if-match',
  ],
  [
    'an empty actor',
    items,
    { body: { sku: 'apple' }, headers: { 'diptych-actor': '' } },
    400,
    'request-invalid',
    'diptych-actor',
  ],
  [
    'an endless key',
    'POST /carts',
    { headers: { 'idempotency-key': 'x'.repeat(256) } },
    400,
    'request-invalid',
    'idempotency-key',
  ],
];

describe('is refused with a problem document that names the field, without a token, and changes nothing:', () => {
  test.each([...unknown, ...quantities, ...bodies, ...states, ...headers])(
    '%s',
    async (_what, request, asked, status, code, field) => {
      const answer = await cart.ask(request, asked);
      expect(answer.body).toMatchObject({ type: `urn:diptych:problem:${code}`, status, code });
      expect(answer.status).toBe(status);
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(answer.headers.has('diptych-commit')).toBe(false);
      expect(answer.text).not.toMatch(/ at .*\.(ts|js)|node_modules/);
      const { errors } = answer.body as { errors: { field: string }[] };
      expect(errors.map((error) => error.field)).toEqual(field === undefined ? [] : [field]);
      expect(await cart.written()).toEqual(before);
    },
  );
});
