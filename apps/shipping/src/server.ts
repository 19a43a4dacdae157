/** The shipping service: ships each checked-out cart once. */
import type { Logger } from '@diptych/runtime/log';
import { Pool } from 'pg';
import { Consumption } from './consumption.ts';
import { buildApp } from './routes.ts';

/** One record is handled at a time; the rest is for HTTP. */
const connectionsMax = 5;
const connectTimeoutMs = 3_000;

/** A statement takes milliseconds, unless it waits at an inbox row for another consumer's transaction. */
const statementTimeoutMs = 10_000;

/** Longer than the server's own limit, for a network that swallows packets: then only the client can notice. */
const queryTimeoutMs = statementTimeoutMs + 2_000;

/** How long requests in flight may take to finish once the service is asked to end: longer than a statement may take. */
const drainTimeoutMs = 15_000;

export interface ShippingOptions {
  /** Its own database, which exists; the tables are created at the start. */
  readonly databaseUrl: string;
  readonly brokers: readonly string[];
  /** Default `shipping`. */
  readonly groupId?: string;
  /** Default `outbox.event.cart`. */
  readonly topic?: string;
  readonly log: Logger;
  readonly host: string;
  /** 0 is any free port. */
  readonly port: number;
}

/** A running shipping service. `close` ends the record and the requests in work, commits, and leaves the group. */
export interface ShippingService {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Starts the service. It waits neither for the database nor for Kafka nor for the topic: `/readyz` says when it ships. */
export async function startShipping(options: ShippingOptions): Promise<ShippingService> {
  const { brokers, groupId = 'shipping', topic = 'outbox.event.cart', log, host, port } = options;
  const pool = openPool(options);
  const consumption = new Consumption({ pool, brokers, groupId, topic, log });
  const app = buildApp({ pool, progress: () => consumption.progress, log });
  const close = async (): Promise<void> => {
    const cut = setTimeout(() => app.server.closeAllConnections(), drainTimeoutMs);
    await Promise.all([consumption.stop(), app.close()]);
    clearTimeout(cut);
    await pool.end();
  };
  try {
    return { url: await app.listen({ host, port }), close };
  } catch (error) {
    await close();
    throw error;
  }
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
