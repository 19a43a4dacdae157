/** A new slot, with a snapshot of the database exactly where its stream begins. */
import pg from 'pg';
import { type Catalogue, quoteIdentifier } from './catalogue.ts';
import { type Lsn, parseLsn } from './lsn.ts';
import { postgresFailure } from './postgres-failure.ts';
import { type Hindrance, whileWaiting } from './slot.ts';

export interface ExportedSlot {
  /** The stream has everything that commits behind it, the snapshot everything before it. */
  readonly consistentPoint: Lsn;
  /** For `set transaction snapshot`, until `close`. Transactions that have adopted it keep it. */
  readonly snapshotName: string;
  close(): Promise<void>;
}

/**
 * Creates the slot on a replication connection, which keeps the snapshot. Waits as `createSlot` does. Throws OperatingError.
 * https://www.postgresql.org/docs/18/protocol-replication.html#PROTOCOL-REPLICATION-CREATE-REPLICATION-SLOT
 */
export async function createExportedSlot({
  databaseUrl,
  observer,
  name,
  failover,
  temporary = false,
  waitingFor,
}: {
  databaseUrl: string;
  observer: Catalogue;
  name: string;
  /** Let standbys synchronise it. Needs PostgreSQL 17. */
  failover: boolean;
  /** It is gone with `close`, or when this process dies. */
  temporary?: boolean;
  waitingFor: (hindrances: readonly Hindrance[]) => void;
}): Promise<ExportedSlot> {
  const config: pg.ClientConfig & { replication: 'database' } = {
    connectionString: databaseUrl,
    application_name: `diptych creating ${name}`,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    replication: 'database',
    // The snapshot lives as long as its transaction.
    options: '-c idle_in_transaction_session_timeout=0',
  };
  const client = new pg.Client(config);
  client.on('error', () => {}); // whoever adopts the snapshot says it
  const close = () => client.end().catch(() => {});
  try {
    await client.connect();
    const creatorPid = (client as unknown as { processID: number | null }).processID ?? 0;
    let created: { consistent_point: string; snapshot_name: string } | undefined;
    await whileWaiting({ observer, creatorPid, waitingFor }, async () => {
      const answer = await client.query<{ consistent_point: string; snapshot_name: string }>(
        `CREATE_REPLICATION_SLOT ${quoteIdentifier(name)} ${temporary ? 'TEMPORARY ' : ''}LOGICAL pgoutput ` +
          `(SNAPSHOT 'export'${failover ? ', FAILOVER' : ''})`,
      );
      created = answer.rows[0];
    });
    if (!created) throw new Error('the server names no snapshot');
    return {
      consistentPoint: parseLsn(created.consistent_point),
      snapshotName: created.snapshot_name,
      close,
    };
  } catch (error) {
    await close();
    throw postgresFailure(error, 'creating the slot');
  }
}
