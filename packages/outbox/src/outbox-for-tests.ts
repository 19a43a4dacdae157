/** The outbox's tables as docs/wire.md has them, in an empty database. */
export const outboxTables = `
  create table outbox (id uuid not null, aggregatetype text not null, aggregateid text not null, type text not null,
    payload jsonb not null, aggregateversion bigint not null, typeversion int not null default 1,
    headers jsonb not null default '{}', occurred_at timestamptz not null default now(),
    xid xid8 not null default pg_current_xact_id());
  alter table outbox replica identity full;
  create table outbox_heads (aggregatetype text, aggregateid text, version bigint not null,
    primary key (aggregatetype, aggregateid));
`;
