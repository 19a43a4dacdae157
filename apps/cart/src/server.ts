/** The cart service over HTTP: its pool, its routes, its documentation, its end. */

import { OperatingError } from '@diptych/runtime/failure';
import type { Logger } from '@diptych/runtime/log';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { sql } from 'drizzle-orm';
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { jsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { Pool } from 'pg';
import { cartRoutes, productRoutes } from './cart-routes.ts';
import { crudCarts } from './crud-carts.ts';
import { describeError, openPool, withConnection } from './database.ts';
import { esCarts } from './es-carts.ts';
import { forgetOldAnswers } from './idempotency.ts';
import { pastRoutes } from './past-routes.ts';
import { answerError, answerNotFound } from './problems.ts';

/** A command is some hundred bytes; a cart of a hundred products would still fit. */
const bodyBytesMax = 65_536;

/** A request that has not arrived whole by then is answered 408. */
const requestTimeoutMs = 30_000;

/** How long requests in flight may take to finish once the service is asked to end: longer than a statement may take. */
const drainTimeoutMs = 15_000;

/** Old idempotency keys are deleted this often. */
const forgetIntervalMs = 3_600_000;

export interface CartOptions {
  readonly databaseUrl: string;
  readonly host: string;
  /** 0 is any free port. */
  readonly port: number;
  readonly log: Logger;
}

/** A running cart service. `close` finishes the requests in flight, then gives the connections back. */
export interface CartService {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/**
 * Starts the service. It does not wait for the database: `/readyz` says whether it is there. Throws OperatingError
 * `configuration-invalid` when it cannot listen.
 */
export async function startCart({ databaseUrl, host, port, log }: CartOptions): Promise<CartService> {
  const pool = openPool({ databaseUrl, log });
  const app = await buildApp({ pool, log });
  const forget = () => {
    withConnection(pool, forgetOldAnswers).catch((error: unknown) => {
      log.warn(describeError(error), 'old idempotency keys could not be deleted; tried again in an hour');
    });
  };
  const forgetting = setInterval(forget, forgetIntervalMs).unref();
  const close = async (): Promise<void> => {
    clearInterval(forgetting);
    const cut = setTimeout(() => app.server.closeAllConnections(), drainTimeoutMs);
    await app.close();
    clearTimeout(cut);
    await pool.end();
  };
  try {
    return { url: await app.listen({ host, port }), close };
  } catch (cause) {
    await close();
    const remedy = 'Choose another HOST or PORT, or end what uses it; PORT=0 takes any free one.';
    throw new OperatingError('configuration-invalid', `cannot listen on ${host}:${port}`, { remedy, cause });
  }
}

async function buildApp({ pool, log }: { pool: Pool; log: Logger }): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: log as FastifyBaseLogger,
    // Requests are not logged: their paths name carts, and the outbox tells the story anyway.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyBytesMax,
    requestTimeout: requestTimeoutMs,
    forceCloseConnections: 'idle',
    frameworkErrors: (error, _request, reply) => {
      answerError(error, { reply, log });
    },
  });
  app.removeContentTypeParser('text/plain');
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler((error, _request, reply) => answerError(error, { reply, log }));
  app.setNotFoundHandler(answerNotFound);
  endConnectionsOnClose(app);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Diptych cart service',
        version: '0.1.0',
        description:
          'Every write changes rows and appends its events in one transaction, and answers with `Diptych-Commit`. ' +
          'Under `/es` the same carts again, of which nothing is kept but events.',
      },
    },
    transform: jsonSchemaTransform,
  });
  await app.register(swaggerUi, { routePrefix: '/docs' });
  await app.register(productRoutes, { pool });
  for (const store of [crudCarts, esCarts]) {
    const { prefix } = store;
    await app.register(cartRoutes, { pool, store, prefix });
    await app.register(pastRoutes, { pool, store, prefix });
  }
  registerProbes(app, pool);
  await app.ready();
  return app;
}

/** Once the service closes, each answer ends its connection: a kept-alive one would hold the service open. */
function endConnectionsOnClose(app: FastifyInstance): void {
  let closing = false;
  app.addHook('preClose', (done) => {
    closing = true;
    done();
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (closing) reply.header('connection', 'close');
    done(null, payload);
  });
}

/** Whether the process runs, whether it can serve, and what it serves. */
function registerProbes(app: FastifyInstance, pool: Pool): void {
  const schema = { hide: true };
  app.get('/healthz', { schema }, () => ({ status: 'ok' }));
  app.get('/readyz', { schema }, async () => {
    await withConnection(pool, (database) => database.execute(sql`select 1`));
    return { status: 'ready' };
  });
  app.get('/openapi.json', { schema }, () => app.swagger());
}
