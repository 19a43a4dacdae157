/** The endpoints that change carts: each reads its request, carries out one command, and answers with the cart. */
import { moneySchema } from '@diptych/contracts/money';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import type { Pool } from 'pg';
import { z } from 'zod';
import { answer, problems, type Service, sharedBy } from './answer-command.ts';
import { readProduct, readProducts } from './cart-rows.ts';
import { cartViewSchema } from './cart-view.ts';
import { withConnection } from './database.ts';
import { findDiscount } from './discount-catalogue.ts';
import {
  addItemBody,
  commandHeaders,
  discountBody,
  itemParams,
  quantityBody,
  reasonBody,
  revertBody,
} from './http-schemas.ts';

const productsSchema = z.strictObject({
  products: z.array(z.strictObject({ sku: z.string(), name: z.string(), unitPrice: moneySchema })),
});

/** Commands on carts, under the prefix of their store. */
export const cartRoutes: FastifyPluginCallbackZod<Service> = (app, service, done) => {
  const { tags, onCart } = sharedBy(service);
  const opened = { 201: cartViewSchema, '4xx': problems, '5xx': problems };
  app.post(
    '/carts',
    { schema: { tags, summary: 'Open a cart', body: reasonBody, headers: commandHeaders, response: opened } },
    (request, reply) => answer(service, { request, reply, command: () => ({ tag: 'open' }) }),
  );

  const addItem = 'Add a product, at the price of the catalogue';
  app.post(
    '/carts/:id/items',
    { schema: { ...onCart, summary: addItem, body: addItemBody } },
    (request, reply) => {
      const { sku, quantity } = request.body;
      return answer(service, {
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
      return answer(service, { request, reply, command: () => ({ tag: 'change-quantity', sku, quantity }) });
    },
  );

  app.delete(
    '/carts/:id/items/:sku',
    { schema: { ...onCart, summary: 'Remove a product', params: itemParams } },
    (request, reply) => {
      const { sku } = request.params;
      return answer(service, { request, reply, command: () => ({ tag: 'remove-item', sku }) });
    },
  );

  app.post(
    '/carts/:id/discounts',
    { schema: { ...onCart, summary: 'Apply a discount', body: discountBody } },
    (request, reply) => {
      const discount = findDiscount(request.body.code);
      return answer(service, { request, reply, command: () => ({ tag: 'apply-discount', discount }) });
    },
  );

  app.post('/carts/:id/checkout', { schema: { ...onCart, summary: 'Check out' } }, (request, reply) =>
    answer(service, { request, reply, command: () => ({ tag: 'check-out' }) }),
  );

  app.delete('/carts/:id', { schema: { ...onCart, summary: 'Abandon the cart' } }, (request, reply) =>
    answer(service, { request, reply, command: () => ({ tag: 'abandon' }) }),
  );

  app.post(
    '/carts/:id/revert',
    { schema: { ...onCart, summary: 'Make the contents what they were at a version', body: revertBody } },
    (request, reply) => {
      const version = BigInt(request.body.toVersion);
      return answer(service, {
        request,
        reply,
        reason: `reverted to version ${version}`,
        command: async (tx, cartId) => {
          const then = await service.store.readAt(tx, cartId, { tag: 'version', version });
          return { tag: 'revert', to: then.ok ? then.state : undefined };
        },
      });
    },
  );

  done();
};

/** What anybody may buy. */
export const productRoutes: FastifyPluginCallbackZod<{ pool: Pool }> = (app, { pool }, done) => {
  const priceList = { 200: productsSchema, '5xx': problems };
  app.get(
    '/products',
    { schema: { tags: ['products'], summary: 'All products and their prices', response: priceList } },
    async () => ({ products: await withConnection(pool, readProducts) }),
  );

  done();
};
