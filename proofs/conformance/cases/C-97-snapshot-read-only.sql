-- C-97: the same without writing to the database
-- relay: DIPTYCH_SNAPSHOT_WATERMARKS=none
-- connector: read.only=true
create schema s1;
create table s1.a (pk int primary key, aa int);
insert into s1.a select n, n from generate_series(1, 1000) n;
create publication diptych_outbox with (publish_via_partition_root = true);
do $body$ begin execute format('alter database %I set default_transaction_read_only = on', current_database()); end $body$;
-- begin
-- snapshot: s1.a
insert into s1.a select n, n from generate_series(1001, 2000) n;
update s1.a set aa = aa + 2000 where pk % 3 = 0;
delete from s1.a where pk % 7 = 0;
-- snapshot done
