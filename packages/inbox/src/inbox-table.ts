/**
 * The inbox remembers which events a consumer has handled. Its rows are kept for as long as the topic may be replayed,
 * which is for ever by default (docs/wire.md: `retention.ms=-1`): a row that is deleted lets its event act again.
 */
import type { ClientBase } from 'pg';

/** The whole table, for services that keep their migrations as SQL. Safe to run again. */
export const inboxTableSql = `
create table if not exists inbox (
  consumer text not null,
  event_id uuid not null,
  received_at timestamptz not null default now(),
  primary key (consumer, event_id)
)`;

/**
 * Any number that no other advisory lock of the database uses; these are the letters "inbox".
 * https://www.postgresql.org/docs/18/explicit-locking.html#ADVISORY-LOCKS
 */
const migrationLock = 0x69_6e_62_6f_78;

/**
 * Creates the inbox if it is not there. `if not exists` alone fails with a unique violation when two processes start at
 * once, so they take turns: the lock is held until the caller's transaction ends, or this statement outside of one.
 * Whatever else the caller creates in that transaction is protected too.
 */
export async function createInbox(client: Pick<ClientBase, 'query'>): Promise<void> {
  await client.query(`select pg_advisory_xact_lock(${migrationLock}); ${inboxTableSql}`);
}
