import { poll } from '@diptych/runtime/poll';
import pg from 'pg';

const timeoutMs = 50_000;

/**
 * A standby that never comes: commits of the whole server wait for it, and nobody sees them meanwhile.
 * https://www.postgresql.org/docs/18/warm-standby.html#SYNCHRONOUS-REPLICATION
 */
export class AbsentStandby {
  readonly #sql: pg.Client;

  private constructor(sql: pg.Client) {
    this.#sql = sql;
  }

  /**
   * Returns when the next commit waits. That a session has read the setting says nothing about it: the checkpointer tells the
   * others, and is the last to be told. Needs a superuser's URL.
   */
  static async create(databaseUrl: string): Promise<AbsentStandby> {
    const [sql, probe] = [new pg.Client(databaseUrl), new pg.Client(databaseUrl)];
    await Promise.all([sql.connect(), probe.connect()]);
    const standby = new AbsentStandby(sql);
    try {
      await sql.query('set synchronous_commit = local');
      await sql.query(`alter system set synchronous_standby_names = 'nobody'`);
      await sql.query('select pg_reload_conf()');
      await poll(async () => (await standby.#keepsWaiting(probe)) || undefined, {
        what: 'a commit waits',
        timeoutMs,
      });
    } catch (error) {
      await standby.close();
      throw error;
    } finally {
      await probe.end();
    }
    return standby;
  }

  /** What waits is seen. Safe to call again. */
  async release(): Promise<void> {
    await this.#sql.query('alter system reset synchronous_standby_names');
    await this.#sql.query('select pg_reload_conf()');
  }

  async close(): Promise<void> {
    await this.release();
    await this.#sql.end();
  }

  /** Commits once; a commit that waits is cancelled, which is no rollback. */
  async #keepsWaiting(probe: pg.Client): Promise<boolean> {
    const { rows } = await probe.query<{ pid: number }>('select pg_backend_pid() as pid');
    const pid = rows[0]?.pid;
    let isSeen = false;
    const commit = probe.query(`select pg_logical_emit_message(true, 'probe', '')`).then(() => {
      isSeen = true;
    });
    const waits = await poll(
      async () => {
        const found = await this.#sql.query(
          `select from pg_stat_activity where pid = $1 and wait_event = 'SyncRep'`,
          [pid],
        );
        if (found.rowCount === 1) return { waits: true };
        return isSeen ? { waits: false } : undefined;
      },
      { what: 'a commit is seen, or waits', timeoutMs },
    );
    if (waits.waits) await this.#sql.query('select pg_cancel_backend($1)', [pid]);
    await commit;
    return waits.waits;
  }
}
