/** One ordinary connection to the captured database, for what the catalogue knows. */
import pg from 'pg';
import { socketOf } from './client-socket.ts';
import { postgresFailure } from './postgres-failure.ts';
import { locatePrimary } from './primary.ts';

export interface Catalogue {
  /** The one server that this is a connection to: whatever belongs together asks the same one. */
  readonly databaseUrl: string;
  /** Runs a query; throws OperatingError. */
  query<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

/** How long a connection may take, and a catalogue query: both are milliseconds on a healthy server. */
const connectTimeoutMs = 10_000;
const queryTimeoutMs = 30_000;
const farewellTimeoutMs = 2000;

/**
 * Connects; to the primary, when the URL names several servers. Throws OperatingError. A connection lost later fails
 * the next query, not the process.
 */
export async function openCatalogue(
  serversUrl: string,
  options: { queryTimeoutMs?: number } = {},
): Promise<Catalogue> {
  const databaseUrl = await locatePrimary(serversUrl);
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'diptych catalogue',
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: options.queryTimeoutMs ?? queryTimeoutMs,
    keepAlive: true,
  });
  client.on('error', () => {}); // the next query says it
  try {
    await client.connect();
  } catch (error) {
    throw postgresFailure(error, 'connecting');
  }
  return {
    databaseUrl,
    async query<Row extends pg.QueryResultRow>(
      text: string,
      values: readonly unknown[] = [],
    ): Promise<Row[]> {
      try {
        return (await client.query<Row>(text, [...values])).rows;
      } catch (error) {
        throw postgresFailure(error, 'reading the catalogue');
      }
    },
    close: () => endConnection(client),
  };
}

/** A server that does not answer any more is left after a moment: whoever closes goes on to another one. */
async function endConnection(client: pg.Client): Promise<void> {
  const timer = setTimeout(() => socketOf(client).destroy(), farewellTimeoutMs);
  await client.end().catch(() => {});
  clearTimeout(timer);
}

/** Quotes an identifier, hostile ones too. */
export const quoteIdentifier = (name: string): string => pg.escapeIdentifier(name);

/** Quotes a literal, for the replication grammar that takes no parameters. */
export const quoteLiteral = (text: string): string => pg.escapeLiteral(text);
