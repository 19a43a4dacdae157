/** The questions that the projections answer, each by one statement, so that an answer is of one generation. */
import { cartAggregateType } from '@diptych/contracts/cart-events';
import type { FastifyInstance } from 'fastify';
import type { Pool } from 'pg';
import { readAbandonedCarts } from './abandoned-carts.ts';
import { ageMs, agePattern } from './age.ts';
import { readCurrentCarts } from './current-carts.ts';
import { refuse } from './problems.ts';
import { readRemovedBeforeCheckout } from './removed-before-checkout.ts';
import { readRevenuePerDay, readRevenuePerDiscount } from './revenue.ts';

const limit = { type: 'integer', minimum: 1, maximum: 1_000, default: 100 };
const cartId = { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER };
const aggregateType = { type: 'string', minLength: 1, maxLength: 100, default: cartAggregateType };

const query = (properties: object) => ({
  querystring: { type: 'object', additionalProperties: false, properties },
});

export function questionRoutes(app: FastifyInstance, pool: Pool): void {
  app.get<{ Querystring: { type: string; after: number; limit: number } }>(
    '/carts',
    { schema: query({ type: aggregateType, after: { ...cartId, minimum: 0, default: 0 }, limit }) },
    async ({ query: { type, ...page } }) => {
      const carts = await readCurrentCarts(pool, { aggregateType: type, ...page });
      // A full page: ask again from its last cart on.
      return { carts, next: carts.length < page.limit ? null : (carts.at(-1)?.cartId ?? null) };
    },
  );
  app.get<{ Params: { cartId: number }; Querystring: { type: string } }>(
    '/carts/:cartId',
    {
      schema: {
        params: { type: 'object', required: ['cartId'], properties: { cartId } },
        ...query({ type: aggregateType }),
      },
    },
    async ({ params, query: { type } }, reply) => {
      const [cart] = await readCurrentCarts(pool, { aggregateType: type, ...params });
      return cart ?? refuse(reply, { code: 'cart-not-found' });
    },
  );
  app.get<{ Querystring: { olderThan: string; limit: number } }>(
    '/abandoned-carts',
    { schema: query({ olderThan: { type: 'string', pattern: agePattern, default: '30m' }, limit }) },
    async ({ query: asked }) => {
      const before = new Date(Date.now() - ageMs(asked.olderThan));
      return { before, carts: await readAbandonedCarts(pool, { before, limit: asked.limit }) };
    },
  );
  app.get<{ Querystring: { limit: number } }>(
    '/revenue/days',
    { schema: query({ limit }) },
    async (request) => ({ days: await readRevenuePerDay(pool, request.query) }),
  );
  app.get<{ Querystring: { limit: number } }>(
    '/revenue/discounts',
    { schema: query({ limit }) },
    async (request) => ({ discounts: await readRevenuePerDiscount(pool, request.query) }),
  );
  app.get<{ Querystring: { limit: number } }>(
    '/removed-before-checkout',
    { schema: query({ limit }) },
    async (request) => ({ products: await readRemovedBeforeCheckout(pool, request.query) }),
  );
}
