/** Connections of the cart service, each with a bound on how long it may take, and what "the database is away" looks like. */
import type { Logger } from '@diptych/runtime/log';
import { tlsRefusal } from '@diptych/runtime/tls';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { Pool } from 'pg';

/** The database, or a transaction of it. */
export type Database = Pick<NodePgDatabase, 'select' | 'insert' | 'update' | 'delete' | 'execute'>;

/** Connections of one process. More would only wait for the same two or four cores of the server. */
const connectionsMax = 10;

/** A customer waits this long for a connection, then is told to come back. */
const connectTimeoutMs = 3_000;

/** A statement takes milliseconds; one that takes this long waits for a lock or a server in trouble. */
const statementTimeoutMs = 10_000;

/** Longer than the server's own limit, for a network that swallows packets: then only the client can notice. */
const queryTimeoutMs = statementTimeoutMs + 2_000;

/** Opens no connection yet: the service starts, and recovers, without the database. */
export function openPool({ databaseUrl, log }: { databaseUrl: string; log: Logger }): Pool {
  const pool = new Pool({
    connectionString: databaseUrl,
    application_name: 'diptych-cart',
    max: connectionsMax,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    query_timeout: queryTimeoutMs,
    idle_in_transaction_session_timeout: statementTimeoutMs,
    keepAlive: true,
  });
  // An idle connection that breaks is no request's error; without a listener it would end the process.
  pool.on('error', (error) => log.warn(describeError(error), 'an idle connection to Postgres broke'));
  return pool;
}

/**
 * Runs `work` on one connection and gives it back; after an error it is thrown away, because a connection that timed
 * out may still be busy with the old statement.
 */
export async function withConnection<T>(
  pool: Pool,
  work: (database: NodePgDatabase) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  // A connection may break between two statements; the next statement reports it.
  const ignore = () => undefined;
  client.on('error', ignore);
  let broken = true;
  try {
    const result = await work(drizzle({ client }));
    broken = false;
    return result;
  } finally {
    client.off('error', ignore);
    client.release(broken);
  }
}

/** Operating system codes of a connection that could not be made or broke. */
const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
]);

/**
 * SQLSTATEs and classes of a server that cannot serve now but may soon.
 * https://www.postgresql.org/docs/18/errcodes-appendix.html
 */
const passingStates = [
  /^08/, // connection exception
  /^28/, // login refused
  /^3D000$/, // no such database (yet)
  /^25006$/, // read-only: a standby that is not promoted yet
  /^25P0[34]$/, // idle or long transaction ended by the server
  /^40/, // serialization failure, deadlock
  /^53/, // out of connections, memory, disk
  /^55000$/, // the database accepts no connections
  /^55P03$/, // lock not available
  /^57/, // shutting down, starting up, statement timeout
];

/** `pg` gives these no code. */
const brokenConnection =
  /connection terminated|timeout exceeded when trying to connect|query read timeout|not queryable/i;

/** A certificate may be renewed, and a setting is the operator's matter: no customer's. */
const isOfTls = (code: string): boolean =>
  tlsRefusal(new Set([code]), { settings: 'database', address: 'DATABASE_URL' }) !== null;

/** Whether the error says that the database is away or overburdened, so that trying again later may help. */
export function isDatabaseAway(error: unknown): boolean {
  const root = rootCause(error);
  if (!(root instanceof Error)) return false;
  const code = codeOf(root);
  if (code !== undefined && (networkCodes.has(code) || isOfTls(code))) return true;
  if (code !== undefined && /^[0-9A-Z]{5}$/.test(code))
    return passingStates.some((state) => state.test(code));
  return brokenConnection.test(root.message);
}

/**
 * What may be logged of an error. Drizzle's message quotes the parameters of the statement and the server's `detail`
 * the values of a row, so only the root's code, message and stack are taken.
 */
export function describeError(error: unknown): { code?: string; reason: string; stack?: string } {
  const root = rootCause(error);
  if (!(root instanceof Error)) return { reason: String(root) };
  const code = codeOf(root);
  return {
    ...(code === undefined ? {} : { code }),
    reason: root.message,
    ...(root.stack === undefined ? {} : { stack: root.stack }),
  };
}

function rootCause(error: unknown): unknown {
  if (error instanceof Error && error.cause !== undefined) return rootCause(error.cause);
  if (error instanceof AggregateError && error.errors.length > 0) return rootCause(error.errors[0]);
  return error;
}

const codeOf = (error: Error): string | undefined =>
  'code' in error && typeof error.code === 'string' ? error.code : undefined;
