/** One transaction of Postgres on a connection of its own. */
import pg, { type Pool, type PoolClient } from 'pg';

/** Postgres answered COMMIT with ROLLBACK: a statement had failed and the failure was swallowed. */
export class RolledBackError extends Error {
  override readonly name = 'RolledBackError';
}

/** There was no connection, or it broke: whatever failed says nothing of the work. */
export class ConnectionLostError extends Error {
  override readonly name = 'ConnectionLostError';
}

export interface TransactionLimits {
  /**
   * How long it may stand still between two statements. The server ends it then, so that a process that is frozen in the
   * middle holds its locks no longer. https://www.postgresql.org/docs/18/runtime-config-client.html
   */
  readonly idleMsMax?: number;
}

/**
 * Runs `work` in a transaction and commits. Errors of `work` pass through, and then nothing of it is in the database, with
 * one exception: when the connection breaks during COMMIT nobody knows, and whoever tries again must be able to tell.
 * Throws RolledBackError when `work` swallowed the error of a statement, ConnectionLostError when the connection broke,
 * with what `work` made of that as its cause.
 */
export async function inTransaction<T>(
  pool: Pool,
  work: (tx: PoolClient) => Promise<T>,
  { idleMsMax }: TransactionLimits = {},
): Promise<T> {
  const tx = await pool.connect().catch((cause: unknown) => {
    throw new ConnectionLostError(`no connection to Postgres: ${messageOf(cause)}`, { cause });
  });
  let lost: Error | null = null;
  // A connection may break between two statements: the next statement reports it.
  const onError = (error: Error): void => {
    lost ??= error;
  };
  tx.on('error', onError);
  let finished = false;
  try {
    const limit =
      idleMsMax === undefined ? '' : `; set local idle_in_transaction_session_timeout = ${idleMsMax}`;
    await tx.query(`begin${limit}`);
    const result = await work(tx);
    const { command } = await tx.query('commit');
    // https://www.postgresql.org/docs/18/sql-commit.html: a failed transaction ends with ROLLBACK, and no error.
    if (command !== 'COMMIT')
      throw new RolledBackError('a statement failed in the transaction, and was ignored');
    finished = true;
    return result;
  } catch (cause) {
    throw lost ? whyLost(lost, cause) : cause;
  } finally {
    tx.off('error', onError);
    // After an error the connection is thrown away: it may be broken, or busy with a statement that timed out. Its end
    // is the rollback.
    tx.release(!finished);
  }
}

/** The server's answer to a transaction that stood still: that is its work's doing. */
const idleTooLong = '25P03';

function whyLost(lost: Error, cause: unknown): Error {
  if (lost instanceof pg.DatabaseError && lost.code === idleTooLong) return lost;
  return new ConnectionLostError(`the connection broke: ${messageOf(cause)}`, { cause });
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
