/** The cart service over HTTP: its pool, its routes, its documentation, its end. */

import { drain, listen, serverLimits } from '@diptych/runtime/http-server';
import type { Logger } from '@diptych/runtime/log';
import { noTracer, type Tracer } from '@diptych/runtime/tracing';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { sql } from 'drizzle-orm';
import fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
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

/** Old idempotency keys are deleted this often. */
const forgetIntervalMs = 3_600_000;

export interface CartOptions {
  readonly databaseUrl: string;
  readonly host: string;
  /** 0 is any free port. */
  readonly port: number;
  readonly log: Logger;
  /** Left out: no spans. Closed by whoever opened it. */
  readonly tracer?: Tracer;
}

/** A running cart service. `close` finishes the requests in flight, then gives the connections back. */
export interface CartService {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/**
 * Starts the service. It does not wait for the database: `/readyz` says whether it is there. Throws OperatingError
 * `port-taken` when it cannot listen.
 */
export async function startCart({
  databaseUrl,
  host,
  port,
  log,
  tracer = noTracer,
}: CartOptions): Promise<CartService> {
  const pool = openPool({ databaseUrl, log });
  const app = await buildApp({ pool, log, tracer });
  const forget = () => {
    withConnection(pool, forgetOldAnswers).catch((error: unknown) => {
      log.warn(describeError(error), 'old idempotency keys could not be deleted; tried again in an hour');
    });
  };
  const forgetting = setInterval(forget, forgetIntervalMs).unref();
  const close = async (): Promise<void> => {
    clearInterval(forgetting);
    await drain(app);
    await pool.end();
  };
  try {
    return { url: await listen(app, { host, port, setting: 'PORT' }), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function buildApp({
  pool,
  log,
  tracer,
}: Required<Pick<CartOptions, 'log' | 'tracer'>> & { pool: Pool }): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: log as FastifyBaseLogger,
    ...serverLimits({ bodyBytesMax }),
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
    await app.register(cartRoutes, { pool, store, prefix, tracer });
    await app.register(pastRoutes, { pool, store, prefix, tracer });
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
