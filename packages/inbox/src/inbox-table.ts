/**
 * The tables of the reading side, in the reader's own database: which events were handled, how far each group is, and what
 * is parked. Rows of handled events are kept for a time (`retention.ts`); the position outlives them.
 */
import type { ClientBase } from 'pg';

/** All tables, for services that keep their migrations as SQL. Safe to run again. */
export const inboxTableSql = `
create table if not exists inbox (
  consumer text not null,
  event_id uuid not null,
  received_at timestamptz not null default now(),
  primary key (consumer, event_id)
);
create index if not exists inbox_received_at on inbox (received_at);

-- One row for each partition of a group. Who holds the partition has raised its epoch; each transaction of theirs locks
-- the row, so that whoever held it before is refused.
create table if not exists inbox_positions (
  consumer_group text not null,
  topic text not null,
  partition integer not null,
  topic_id text not null,
  next_offset bigint not null,
  epoch bigint not null,
  member text not null,
  claimed_at timestamptz not null default now(),
  primary key (consumer_group, topic, partition)
) with (fillfactor = 50);

-- Events that could not be handled, and those of the same key behind them.
create table if not exists inbox_parked (
  id bigint generated always as identity primary key,
  consumer_group text not null,
  topic text not null,
  partition integer not null,
  record_offset bigint not null,
  record_key bytea,
  record_value bytea,
  record_headers json not null,
  record_time timestamptz not null,
  reason text not null,
  detail text,
  attempts integer not null,
  parked_at timestamptz not null default now(),
  decision text check (decision in ('release', 'discard')),
  decision_reason text,
  settled_at timestamptz,
  unique (consumer_group, topic, partition, record_offset)
);
create index if not exists inbox_parked_waiting
  on inbox_parked (consumer_group, topic, partition, record_key, record_offset) where settled_at is null;
`;

/**
 * Any number that no other advisory lock of the database uses; these are the letters "inbox".
 * https://www.postgresql.org/docs/18/explicit-locking.html#ADVISORY-LOCKS
 */
const migrationLock = 0x69_6e_62_6f_78;

/**
 * Creates the tables if they are not there. `if not exists` alone fails with a unique violation when two processes start at
 * once, so they take turns: the lock is held until the caller's transaction ends, or this statement outside of one.
 * Whatever else the caller creates in that transaction is protected too.
 */
export async function createInbox(client: Pick<ClientBase, 'query'>): Promise<void> {
  await client.query(`select pg_advisory_xact_lock(${migrationLock}); ${inboxTableSql}`);
}
