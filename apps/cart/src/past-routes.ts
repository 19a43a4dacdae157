/** The endpoints that read carts: as they are, as they were at any moment, and all that happened to them. */
import { parseMoment } from '@diptych/journal/moment';
import type { FastifyReply } from 'fastify';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { problems, type Service, sharedBy } from './answer-command.ts';
import { type History, historySchema, readHistory } from './cart-history.ts';
import { type CartView, cartViewSchema, viewCart } from './cart-view.ts';
import { type Database, withConnection } from './database.ts';
import { atQuery, cartIdOf, cartParams, historyQuery } from './http-schemas.ts';
import { type Problem, refuse } from './problems.ts';

/** Reading, under the prefix of the store. */
export const pastRoutes: FastifyPluginCallbackZod<Service> = (app, service, done) => {
  const { tags } = sharedBy(service);
  const readable = { tags, params: cartParams };
  const cart = { 200: cartViewSchema, '4xx': problems, '5xx': problems };
  app.get(
    '/carts/:id',
    {
      schema: { ...readable, summary: 'Read a cart, as it is or was', querystring: atQuery, response: cart },
    },
    ({ params: { id }, query: { at } }, reply) => showCart(service, { id, at, reply }),
  );

  const history = { 200: historySchema, '4xx': problems, '5xx': problems };
  app.get(
    '/carts/:id/history',
    { schema: { ...readable, summary: 'All that happened', querystring: historyQuery, response: history } },
    ({ params: { id }, query: { after, limit } }, reply) => showHistory(service, { id, after, limit, reply }),
  );

  done();
};

async function showCart(
  { pool, store }: Service,
  { id, at, reply }: { id: string; at: string | undefined; reply: FastifyReply },
): Promise<CartView | Problem> {
  const cartId = cartIdOf(id);
  if (cartId === undefined) return refuse(reply, { code: 'cart-not-found' });
  const moment = at === undefined ? undefined : parseMoment(at);
  const read = await inOneSnapshot(pool, async (tx) =>
    moment === undefined
      ? { ok: true as const, state: await store.read(tx, cartId) }
      : store.readAt(tx, cartId, moment),
  );
  if (!read.ok)
    return refuse(reply, { code: read.reason, errors: [{ field: 'at', detail: notThen[read.reason] }] });
  if (!read.state) {
    const then =
      moment === undefined ? {} : { errors: [{ field: 'at', detail: 'There was no such cart then' }] };
    return refuse(reply, { code: 'cart-not-found', ...then });
  }
  reply.header('etag', `"${read.state.version}"`);
  return viewCart(read.state);
}

const notThen = {
  'version-unknown': 'The cart has no such version',
  'commit-unknown': 'This transaction told nothing of the cart',
} as const;

async function showHistory(
  { pool, store }: Service,
  { id, after, limit, reply }: { id: string; after: number; limit: number; reply: FastifyReply },
): Promise<History | Problem> {
  const cartId = cartIdOf(id);
  const history =
    cartId === undefined
      ? undefined
      : await inOneSnapshot(pool, (tx) => readHistory(tx, { journal: store.journal, cartId, after, limit }));
  return history ?? refuse(reply, { code: 'cart-not-found' });
}

/** Several statements that see the same: a command between two of them would tear the cart. */
function inOneSnapshot<T>(pool: Service['pool'], work: (tx: Database) => Promise<T>): Promise<T> {
  return withConnection(pool, (database) =>
    database.transaction(work, { isolationLevel: 'repeatable read', accessMode: 'read only' }),
  );
}
