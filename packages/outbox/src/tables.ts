/**
 * The outbox's two tables as SQL, for services whose migrations are not drizzle's: what `schema.ts` declares, and the
 * replica identity that a published table without a primary key must have.
 */
export const outboxTables = `
  create table outbox (id uuid not null, aggregatetype text not null, aggregateid text not null, type text not null,
    payload jsonb not null, aggregateversion bigint not null, typeversion int not null default 1,
    headers jsonb not null default '{}', occurred_at timestamptz not null default now(),
    xid xid8 not null default pg_current_xact_id());
  create index outbox_aggregate_index on outbox (aggregatetype, aggregateid, aggregateversion);
  alter table outbox replica identity full;
  create table outbox_heads (aggregatetype text, aggregateid text, version bigint not null,
    primary key (aggregatetype, aggregateid));
`;
