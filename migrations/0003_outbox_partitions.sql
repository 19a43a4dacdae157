-- The outbox is kept, and is one of partitions by time (docs/outbox.md, "Retention"): drizzle's schema cannot say so. What was in it
-- becomes its default partition. All of it is one transaction: a reader of the WAL sees the table before it, or the one after it.
alter table outbox rename to outbox_default;
--> statement-breakpoint
alter index outbox_aggregate_index rename to outbox_default_aggregate_index;
--> statement-breakpoint
create table outbox (like outbox_default including defaults) partition by range (occurred_at);
--> statement-breakpoint
create index outbox_aggregate_index on outbox (aggregatetype, aggregateid, aggregateversion);
--> statement-breakpoint
alter table outbox replica identity full;
--> statement-breakpoint
alter table outbox attach partition outbox_default default;
--> statement-breakpoint
-- Who publishes the table that was, publishes the one that is. The partition stays in the publication besides: to take a table out of one
-- that a relay reads would mean that changes of it are missing.
do $$
declare
  publication name;
begin
  for publication in
    select pubname from pg_publication p join pg_publication_rel r on r.prpubid = p.oid
    where r.prrelid = 'outbox_default'::regclass
  loop
    execute format('alter publication %I add table outbox', publication);
  end loop;
end $$;
