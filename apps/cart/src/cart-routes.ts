/** The cart's endpoints: each reads its request, carries out one command, and answers with the cart. */
import { createHash } from 'node:crypto';
import { moneySchema } from '@diptych/contracts/money';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import type { Pool } from 'pg';
import { z } from 'zod';
import { type CommandRequest, carryOut } from './carry-out.ts';
import { readCart, readProduct, readProducts } from './cart-rows.ts';
import { type CartView, cartViewSchema, viewCart } from './cart-view.ts';
import { withConnection } from './database.ts';
import { findDiscount } from './discount-catalogue.ts';
import {
  addItemBody,
  cartIdOf,
  cartParams,
  changeHeaders,
  commandHeaders,
  discountBody,
  itemParams,
  quantityBody,
  reasonBody,
  traceparentOf,
  versionsOf,
} from './http-schemas.ts';
import { type Problem, problemSchema, refuse } from './problems.ts';

const problems = {
  description: 'A problem document (RFC 9457)',
  content: { 'application/problem+json': { schema: problemSchema } },
};
const tags = ['cart'];
const response = { 200: cartViewSchema, '4xx': problems, '5xx': problems };

/** What the routes of commands on a cart share. */
const onCart = { tags, params: cartParams, body: reasonBody, headers: changeHeaders, response };

const productsSchema = z.strictObject({
  products: z.array(z.strictObject({ sku: z.string(), name: z.string(), unitPrice: moneySchema })),
});

/** Routes of the cart and of the products. */
export const cartRoutes: FastifyPluginCallbackZod<{ pool: Pool }> = (app, { pool }, done) => {
  const opened = { 201: cartViewSchema, '4xx': problems, '5xx': problems };
  app.post(
    '/carts',
    { schema: { tags, summary: 'Open a cart', body: reasonBody, headers: commandHeaders, response: opened } },
    (request, reply) => answer(pool, { request, reply, command: () => ({ tag: 'open' }) }),
  );

  app.get(
    '/carts/:id',
    { schema: { tags, summary: 'Read a cart', params: cartParams, response } },
    (request, reply) => show(pool, { id: request.params.id, reply }),
  );

  const addItem = 'Add a product, at the price of the catalogue';
  app.post(
    '/carts/:id/items',
    { schema: { ...onCart, summary: addItem, body: addItemBody } },
    (request, reply) => {
      const { sku, quantity } = request.body;
      return answer(pool, {
        request,
        reply,
        command: async (tx) => ({ tag: 'add-item', product: await readProduct(tx, sku), quantity }),
      });
    },
  );

  app.put(
    '/carts/:id/items/:sku',
    { schema: { ...onCart, summary: 'Change a quantity', params: itemParams, body: quantityBody } },
    (request, reply) => {
      const { sku } = request.params;
      const { quantity } = request.body;
      return answer(pool, { request, reply, command: () => ({ tag: 'change-quantity', sku, quantity }) });
    },
  );

  app.delete(
    '/carts/:id/items/:sku',
    { schema: { ...onCart, summary: 'Remove a product', params: itemParams } },
    (request, reply) => {
      const { sku } = request.params;
      return answer(pool, { request, reply, command: () => ({ tag: 'remove-item', sku }) });
    },
  );

  app.post(
    '/carts/:id/discounts',
    { schema: { ...onCart, summary: 'Apply a discount', body: discountBody } },
    (request, reply) => {
      const discount = findDiscount(request.body.code);
      return answer(pool, { request, reply, command: () => ({ tag: 'apply-discount', discount }) });
    },
  );

  app.post('/carts/:id/checkout', { schema: { ...onCart, summary: 'Check out' } }, (request, reply) =>
    answer(pool, { request, reply, command: () => ({ tag: 'check-out' }) }),
  );

  app.delete('/carts/:id', { schema: { ...onCart, summary: 'Abandon the cart' } }, (request, reply) =>
    answer(pool, { request, reply, command: () => ({ tag: 'abandon' }) }),
  );

  const priceList = { 200: productsSchema, '5xx': problems };
  app.get(
    '/products',
    { schema: { tags: ['products'], summary: 'All products and their prices', response: priceList } },
    async () => ({ products: await withConnection(pool, readProducts) }),
  );

  done();
};

/** Answers with the cart as it is. */
async function show(
  pool: Pool,
  { id, reply }: { id: string; reply: FastifyReply },
): Promise<CartView | Problem> {
  const cartId = cartIdOf(id);
  if (cartId === undefined) return refuse(reply, { code: 'cart-not-found' });
  // Its rows are in three tables: one snapshot of them all, or a command between two reads would tear the cart.
  const cart = await withConnection(pool, (database) =>
    database.transaction((tx) => readCart(tx, { cartId, lock: false }), {
      isolationLevel: 'repeatable read',
      accessMode: 'read only',
    }),
  );
  if (!cart) return refuse(reply, { code: 'cart-not-found' });
  reply.header('etag', `"${cart.version}"`);
  return viewCart(cart);
}

type CommandHeaders = z.infer<typeof commandHeaders> & Partial<z.infer<typeof changeHeaders>>;

interface Asked {
  readonly request: Pick<FastifyRequest, 'method' | 'url'> & {
    readonly params?: unknown;
    readonly body?: { readonly reason?: string | undefined } | null | undefined;
    readonly headers: CommandHeaders;
  };
  readonly reply: FastifyReply;
  readonly command: CommandRequest['command'];
}

/** Carries the command out and answers with the cart, its ETag and the commit token, or with the refusal. */
async function answer(pool: Pool, { request, reply, command }: Asked): Promise<CartView | Problem> {
  const { headers, body } = request;
  const { id } = (request.params ?? {}) as { id?: string };
  const cartId = id === undefined ? undefined : cartIdOf(id);
  if (id !== undefined && cartId === undefined) return refuse(reply, { code: 'cart-not-found' });
  const key = headers['idempotency-key'];
  const outcome = await carryOut(pool, {
    cartId,
    command,
    actor: headers['diptych-actor'],
    reason: body?.reason,
    traceparent: traceparentOf(headers.traceparent),
    versions: versionsOf(headers['if-match']),
    idempotency: key === undefined ? undefined : { key, fingerprint: fingerprint(request) },
  });
  if (!outcome.ok) return refuse(reply, { code: outcome.reason });
  if (outcome.status === 201) reply.header('location', `/carts/${outcome.cart.id}`);
  reply.code(outcome.status).headers({ etag: `"${outcome.cart.version}"`, 'diptych-commit': outcome.commit });
  return outcome.cart;
}

/** Two requests are the same when method, path, actor and body are: what an Idempotency-Key stands for. */
function fingerprint({ method, url, body, headers }: Asked['request']): string {
  const asked = JSON.stringify([method, url, headers['diptych-actor'], body ?? null]);
  return createHash('sha256').update(asked).digest('hex');
}
