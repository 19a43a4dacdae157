/** The shipping service: ships each checked-out cart once. */
import { cartContract } from '@diptych/contracts/cart-events';
import { Inbox } from '@diptych/inbox/inbox';
import { serve } from '@diptych/runtime/http-server';
import type { Brokers } from '@diptych/runtime/kafka-access';
import type { Logger } from '@diptych/runtime/log';
import { noTracer, type Tracer } from '@diptych/runtime/tracing';
import { Pool } from 'pg';
import { buildApp, metricsOf } from './routes.ts';
import { consumer, handlersOf } from './ship.ts';
import { createTables } from './shipments.ts';

/** Carts that are shipped at the same time, each of another partition. */
const parallelMax = 4;
/** The rest is for HTTP, and for what the inbox asks besides. */
const connectionsMax = parallelMax + 4;
const connectTimeoutMs = 3_000;

/** A statement takes milliseconds, unless it waits at an inbox row for another consumer's transaction. */
const statementTimeoutMs = 10_000;

/** Longer than the server's own limit, for a network that swallows packets: then only the client can notice. */
const queryTimeoutMs = statementTimeoutMs + 2_000;

export interface ShippingOptions {
  /** Its own database, which exists; the tables are created at the start. */
  readonly databaseUrl: string;
  readonly brokers: Brokers;
  /** Default `shipping`. */
  readonly groupId?: string;
  /** Default `outbox.event.cart`. */
  readonly topic?: string;
  readonly log: Logger;
  readonly host: string;
  /** 0 is any free port. */
  readonly port: number;
  /** Default: `/metrics` is at the same port. */
  readonly metricsPort?: number | undefined;
  readonly metricsHost?: string | undefined;
  /** Left out: no spans. Closed by whoever opened it. */
  readonly tracer?: Tracer;
}

/** A running shipping service. `close` ends the shipments and the requests in work, and leaves the group. */
export interface ShippingService {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Starts the service. It waits neither for the database nor for Kafka nor for the topic: `/readyz` says when it ships. */
export async function startShipping(options: ShippingOptions): Promise<ShippingService> {
  const { brokers, groupId = 'shipping', topic = 'outbox.event.cart', log, host, port } = options;
  const { metricsPort, metricsHost, tracer = noTracer } = options;
  const pool = openPool(options);
  const inbox = new Inbox({
    ...{ pool, brokers, group: groupId, consumer, topics: [topic], log, parallelMax },
    contracts: cartContract,
    handlers: handlersOf(tracer),
    prepare: () => createTables(pool),
  });
  const app = buildApp({ pool, inbox, log, isMetered: metricsPort === undefined });
  return await serve(app, {
    ...{ host, port, metrics: metricsOf(inbox), metricsPort, metricsHost },
    stop: () => inbox.stop(),
    end: () => pool.end(),
  });
}

/** Opens no connection yet. */
function openPool({ databaseUrl, log }: Pick<ShippingOptions, 'databaseUrl' | 'log'>): Pool {
  const pool = new Pool({
    connectionString: databaseUrl,
    application_name: 'diptych-shipping',
    max: connectionsMax,
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
