import { randomBytes } from 'node:crypto';
import { assert } from '@diptych/runtime/assert';
import { poll } from '@diptych/runtime/poll';
import pg from 'pg';

const connectTimeoutMs = 10_000;
const dropTimeoutMs = 20_000;
const leaveTimeoutMs = 1_000;

/** Creates an empty database and returns its URL: that of the given one with another name. Needs the right to. */
export async function createDatabase(
  databaseUrl: string,
  name = `diptych_${randomBytes(6).toString('hex')}`,
): Promise<string> {
  await connected(databaseUrl, (client) => client.query(`create database ${pg.escapeIdentifier(name)}`));
  return withDatabase(databaseUrl, name);
}

/**
 * Drops a database with everything that holds it: its sessions are terminated and its replication slots dropped, again
 * and again while something reconnects, for 20 seconds at most. Sessions that are about to end have a second for it:
 * `pool.end()` of `pg` resolves before its sessions are gone, and one that is terminated then makes the pool emit an
 * error that nobody listens for any more. The maintenance database `postgres` must exist.
 */
export async function dropDatabase(databaseUrl: string): Promise<void> {
  const name = databaseName(databaseUrl);
  assert(name !== 'postgres', 'the maintenance database is not dropped');
  await connected(withDatabase(databaseUrl, 'postgres'), async (client) => {
    await sessionsLeave(client, name);
    const attempt = async (): Promise<true | undefined> => {
      if (!(await dropSlots(client, name))) return undefined;
      try {
        await client.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`);
        return true;
      } catch (error) {
        // A slot was made, or a session came back, after we looked.
        if (error instanceof pg.DatabaseError && error.code === '55006') return undefined;
        throw error;
      }
    };
    await poll(attempt, { what: `database ${name} is dropped`, timeoutMs: dropTimeoutMs });
  });
}

/** Until nobody is connected to the database any more, or the time to leave is over. */
async function sessionsLeave(client: pg.Client, name: string): Promise<void> {
  const mustLeaveAt = performance.now() + leaveTimeoutMs;
  const isLeft = async (): Promise<true | undefined> => {
    const { rowCount } = await client.query('select from pg_stat_activity where datname = $1 limit 1', [
      name,
    ]);
    return rowCount === 0 || performance.now() > mustLeaveAt ? true : undefined;
  };
  await poll(isLeft, { what: `the sessions of database ${name} end`, timeoutMs: dropTimeoutMs });
}

/** Whether none of the database's slots is left. An active one ends with its session, a moment later. */
async function dropSlots(client: pg.Client, name: string): Promise<boolean> {
  await client.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()',
    [name],
  );
  const { rows } = await client.query<{ slot_name: string; active: boolean }>(
    'select slot_name, active from pg_replication_slots where database = $1',
    [name],
  );
  for (const { slot_name, active } of rows) {
    if (active) return false;
    try {
      await client.query('select pg_drop_replication_slot($1)', [slot_name]);
    } catch (error) {
      if (error instanceof pg.DatabaseError && error.code === '55006') return false;
      throw error;
    }
  }
  return true;
}

function databaseName(databaseUrl: string): string {
  return decodeURIComponent(new URL(databaseUrl).pathname.slice(1));
}

/** The same server and user, another database. */
export function withDatabase(databaseUrl: string, name: string): string {
  const url = new URL(databaseUrl);
  url.pathname = `/${encodeURIComponent(name)}`;
  return url.href;
}

async function connected<T>(databaseUrl: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: connectTimeoutMs });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
