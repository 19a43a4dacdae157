/** What the writers write to. The ledger is kept and published too: it says what each committed transaction did. */

/** Accounts are written one by one, their versions counted in `heads`, which is published nowhere. */
export const keys = 50;

/** Tables with change events. */
export const tables = ['accounts', 'entries', 'scratch', 'ledger'] as const;
export type Table = (typeof tables)[number];

/** The aggregate type of the events. */
export const aggregateType = 'account';

/**
 * Rows carry the tag of the step that wrote them: what a rolled-back step wrote is recognised wherever it turns up. Deleted
 * rows are sent whole, so that a delete names what it deleted.
 */
export const schema = `
  create table accounts (k int primary key, version bigint not null, tag text not null);
  alter table accounts replica identity full;
  create table entries (id bigint generated always as identity primary key, k int not null, tag text not null,
    filler text not null);
  alter table entries replica identity full;
  create table scratch (id bigint generated always as identity primary key, tag text not null, amount int, note text);
  create table heads (k int primary key, version bigint not null default 0);
  insert into heads (k) select generate_series(0, ${keys - 1});
  create table outbox (id uuid not null default gen_random_uuid(), aggregatetype text not null,
    aggregateid text not null, type text not null, payload jsonb not null, aggregateversion bigint not null,
    typeversion int not null default 1, headers jsonb not null default '{}',
    occurred_at timestamptz not null default now(), xid xid8 not null default pg_current_xact_id());
  alter table outbox replica identity full;
  create table ledger (xid xid8 primary key default pg_current_xact_id(), writer int not null, n int not null,
    keys int[] not null, facts text[] not null);
`;

/** Tables that have no change events. */
export const excluded = ['*.outbox', '*.heads'];
