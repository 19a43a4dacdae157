import pg from 'pg';
import { postgresFailure } from './postgres-failure.ts';

/**
 * Runs commands of the replication protocol on a connection of their own. `doing` completes "Postgres failed while …".
 * Throws OperatingError. https://www.postgresql.org/docs/18/protocol-replication.html
 */
export async function replicationCommand<T>(
  { databaseUrl, doing }: { databaseUrl: string; doing: string },
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const options: pg.ClientConfig & { replication: 'database' } = {
    connectionString: databaseUrl,
    application_name: `diptych ${doing}`,
    connectionTimeoutMillis: 10_000,
    replication: 'database',
  };
  const client = new pg.Client(options);
  client.on('error', () => {});
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    throw postgresFailure(error, doing);
  } finally {
    await client.end().catch(() => {});
  }
}
