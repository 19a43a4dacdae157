/** What the shipping service answers over HTTP: its shipments, and whether it ships. */
import type { Inbox } from '@diptych/inbox/inbox';
import { createServer, type MetricsSource, metricsRoute } from '@diptych/runtime/http-server';
import type { Logger } from '@diptych/runtime/log';
import type { FastifyInstance } from 'fastify';
import pg from 'pg';
import { kinds, refuse } from './problems.ts';
import { readShipment, readShipments } from './shipments.ts';

const shipmentsPerPage = 100;
const shipmentsPerPageMax = 1_000;

const cartId = { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER };

const listSchema = {
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: {
      after: { ...cartId, minimum: 0, default: 0 },
      limit: { type: 'integer', minimum: 1, maximum: shipmentsPerPageMax, default: shipmentsPerPage },
    },
  },
};

const oneSchema = { params: { type: 'object', required: ['cartId'], properties: { cartId } } };

export const metricsOf = ({ metrics: { registry } }: Pick<Inbox<never>, 'metrics'>): MetricsSource => ({
  contentType: registry.contentType,
  read: () => registry.metrics(),
});

/** The routes, not listening yet. `isMetered`: with `/metrics`. */
export function buildApp({
  pool,
  inbox,
  log,
  isMetered = true,
}: {
  pool: pg.Pool;
  inbox: Pick<Inbox<never>, 'progress' | 'metrics'>;
  log: Logger;
  isMetered?: boolean;
}): FastifyInstance {
  const app = createServer({
    ...{ log, kinds, bodyBytesMax: 1_024 },
    explain: (error) => (isDatabaseAway(error) ? 'database-away' : null),
  });
  app.get<{ Querystring: { after: number; limit: number } }>(
    '/shipments',
    { schema: listSchema },
    async ({ query: { after, limit } }) => {
      const shipments = await readShipments(pool, { afterCartId: after, limit });
      // A full page: ask again from its last cart on.
      return { shipments, next: shipments.length < limit ? null : (shipments.at(-1)?.cartId ?? null) };
    },
  );
  app.get<{ Params: { cartId: number } }>(
    '/shipments/:cartId',
    { schema: oneSchema },
    async (request, reply) => {
      const shipment = await readShipment(pool, request.params.cartId);
      return shipment ?? refuse(reply, { code: 'shipment-not-found' });
    },
  );
  if (isMetered) metricsRoute(app, metricsOf(inbox));
  app.get('/healthz', () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const now = inbox.progress;
    if (now.tag !== 'consuming') {
      const detail = 'error' in now ? `${now.tag}: ${now.error.code}. ${now.error.remedy}` : now.tag;
      return refuse(reply, { code: 'not-ready', detail });
    }
    await pool.query('select 1');
    return { status: 'ready' };
  });
  return app;
}

/**
 * Classes of a server that cannot serve now but may soon, and 42P01: it came up, and the consumer has yet to create the
 * tables. https://www.postgresql.org/docs/18/errcodes-appendix.html
 */
const passingStates = /^(08|28|3D|40|53|55|57|42P01)/;

/** `pg` gives these no code. */
const brokenConnection =
  /connection terminated|timeout exceeded when trying to connect|query read timeout|not queryable/i;

function isDatabaseAway(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return passingStates.test(error.code ?? '');
  if (error instanceof AggregateError) return error.errors.some(isDatabaseAway);
  if (!(error instanceof Error)) return false;
  // Only a call to the operating system has the property: the network.
  return 'syscall' in error || brokenConnection.test(error.message);
}
