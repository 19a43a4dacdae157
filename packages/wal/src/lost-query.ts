/**
 * A query of which the server knows nothing, while its client waits. A firewall that forgot the flow swallows it: TCP goes on
 * sending for a quarter of an hour, and a proxy that has acknowledged it lets the client wait for ever.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openCatalogue } from './catalogue.ts';

export interface WaitingConnection {
  /** Of the one server, by a role that may see this backend: the same. */
  readonly databaseUrl: string;
  readonly backendPid: number;
  /** Received so far. */
  readonly bytesRead: () => number;
}

/** A look is one connection and one small query. */
const lookTimeoutMs = 10_000;

/**
 * Asks the server again and again, over another connection, what the backend does; resolves true when twice in a row it did
 * nothing that the client could be waiting for, and nothing came in between. False once `signal` aborts.
 */
export async function isQueryLost(
  connection: WaitingConnection,
  { intervalMs, signal }: { readonly intervalMs: number; readonly signal: AbortSignal },
): Promise<boolean> {
  let suspectAtBytes: number | null = null;
  while (!signal.aborted) {
    await sleep(intervalMs, undefined, { signal, ref: false }).catch(() => {}); // its end is the loop's
    if (signal.aborted) break;
    const bytes = connection.bytesRead();
    const isSuspect = (await isWorking(connection)) === false && connection.bytesRead() === bytes;
    if (isSuspect && suspectAtBytes === bytes && !signal.aborted) return true;
    suspectAtBytes = isSuspect ? bytes : null;
  }
  return false;
}

/**
 * Whether the backend works on a query, or has an answer under way that the client takes; null when nobody can be asked.
 * https://www.postgresql.org/docs/18/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW
 */
async function isWorking({ databaseUrl, backendPid }: WaitingConnection): Promise<boolean | null> {
  try {
    const catalogue = await openCatalogue(databaseUrl, { queryTimeoutMs: lookTimeoutMs });
    try {
      const rows = await catalogue.query(
        `select from pg_stat_activity where pid = $1 and state = 'active' and wait_event is distinct from 'ClientWrite'`,
        [backendPid],
      );
      return rows.length > 0;
    } finally {
      await catalogue.close();
    }
  } catch {
    return null;
  }
}
