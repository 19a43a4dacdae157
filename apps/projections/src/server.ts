/** The projections of carts as a service: it follows the topics, answers questions, and rebuilds what it is asked to. */
import { cartContract } from '@diptych/contracts/cart-events';
import { connectionsOf, Projections } from '@diptych/projection/projections';
import { createServer, type MetricsSource, metricsRoute, serve } from '@diptych/runtime/http-server';
import type { Brokers } from '@diptych/runtime/kafka-access';
import type { Logger } from '@diptych/runtime/log';
import type { FastifyInstance } from 'fastify';
import { Pool } from 'pg';
import { cartProjections } from './cart-projections.ts';
import { isDatabaseAway } from './database-away.ts';
import { kinds } from './problems.ts';
import { projectionRoutes, type RunningProjections } from './projection-routes.ts';
import { questionRoutes } from './question-routes.ts';

/** For HTTP, besides what the projections take. */
const askedAtOnceMax = 4;
const connectTimeoutMs = 3_000;

/** A statement takes milliseconds; while a rebuilt generation is switched to, the old one waits for up to 2 s. */
const statementTimeoutMs = 10_000;

/** Longer than the server's own limit, for a network that swallows packets: then only the client can notice. */
const queryTimeoutMs = statementTimeoutMs + 2_000;

export interface ProjectionsServiceOptions {
  /** Its own database, which exists; the tables are created at the start. */
  readonly databaseUrl: string;
  readonly brokers: Brokers;
  /** Of carts, each called by its aggregate type after the last dot. */
  readonly topics: readonly string[];
  /** Consumer groups begin with it. */
  readonly group: string;
  readonly log: Logger;
  readonly host: string;
  /** 0 is any free port. */
  readonly port: number;
  /** Default: `/metrics` is at the same port. */
  readonly metricsPort?: number | undefined;
  readonly metricsHost?: string | undefined;
}

/** A running service. `close` ends the transactions and the requests in work, and leaves the groups. */
export interface ProjectionsService {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Starts the service. It waits neither for the database nor for Kafka nor for the topics: `/readyz` says when it follows. */
export async function startProjections(options: ProjectionsServiceOptions): Promise<ProjectionsService> {
  const { brokers, topics, group, log, host, port } = options;
  const pool = openPool(options);
  const projections = new Projections({
    ...{ pool, brokers, topics, group, log },
    contracts: cartContract,
    projections: cartProjections,
  });
  const { metricsPort, metricsHost } = options;
  const app = buildApp({ pool, projections, log, isMetered: metricsPort === undefined });
  return await serve(app, {
    ...{ host, port, metrics: metricsOf(projections), metricsPort, metricsHost },
    stop: () => projections.stop(),
    end: () => pool.end(),
  });
}

const metricsOf = (projections: RunningProjections): MetricsSource => ({
  contentType: 'text/plain; version=0.0.4; charset=utf-8',
  read: () => projections.metrics(),
});

/** The routes, not listening yet. `isMetered`: with `/metrics`. */
export function buildApp({
  pool,
  projections,
  log,
  isMetered = true,
}: {
  pool: Pool;
  projections: RunningProjections;
  log: Logger;
  isMetered?: boolean;
}): FastifyInstance {
  const app = createServer({
    ...{ log, kinds, bodyBytesMax: 1_024 },
    explain: (error) => (isDatabaseAway(error) ? 'database-away' : null),
  });
  questionRoutes(app, pool);
  projectionRoutes(app, { pool, projections });
  if (isMetered) metricsRoute(app, metricsOf(projections));
  return app;
}

/** Opens no connection yet. */
function openPool({ databaseUrl, log }: Pick<ProjectionsServiceOptions, 'databaseUrl' | 'log'>): Pool {
  const pool = new Pool({
    connectionString: databaseUrl,
    application_name: 'diptych-projections',
    max: connectionsOf(cartProjections.length) + askedAtOnceMax,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    query_timeout: queryTimeoutMs,
    idle_in_transaction_session_timeout: statementTimeoutMs,
    keepAlive: true,
  });
  // An idle connection that breaks is nobody's error; without a listener it would end the process.
  pool.on('error', (error) => log.warn({ reason: error.message }, 'an idle connection to Postgres broke'));
  return pool;
}
