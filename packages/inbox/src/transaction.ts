/** One transaction of Postgres on a connection of its own. */
import type { Pool, PoolClient } from 'pg';

/** Postgres answered COMMIT with ROLLBACK: a statement had failed and the failure was swallowed. */
export class RolledBackError extends Error {
  override readonly name = 'RolledBackError';
}

/**
 * Runs `work` in a transaction and commits. Every error passes through, and then nothing of it is in the database, with
 * one exception: when the connection breaks during COMMIT nobody knows, and whoever tries again must be able to tell.
 * Throws RolledBackError when `work` swallowed the error of a statement.
 */
export async function inTransaction<T>(pool: Pool, work: (tx: PoolClient) => Promise<T>): Promise<T> {
  const tx = await pool.connect();
  // A connection may break between two statements: the next statement reports it.
  const ignore = (): void => undefined;
  tx.on('error', ignore);
  let finished = false;
  try {
    await tx.query('begin');
    const result = await work(tx);
    const { command } = await tx.query('commit');
    // https://www.postgresql.org/docs/18/sql-commit.html: a failed transaction ends with ROLLBACK, and no error.
    if (command !== 'COMMIT')
      throw new RolledBackError('a statement failed in the transaction, and was ignored');
    finished = true;
    return result;
  } finally {
    tx.off('error', ignore);
    // After an error the connection is thrown away: it may be broken, or busy with a statement that timed out. Its end
    // is the rollback.
    tx.release(!finished);
  }
}
