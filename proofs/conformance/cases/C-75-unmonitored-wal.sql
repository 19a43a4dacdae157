-- C-75: WAL that nobody publishes moves the slot all the same
-- ours alone: the reference’s slot stays where it is in its default mode
create schema s1;
create table s1.a (pk int primary key);
insert into s1.a values (1);
-- wait
create unlogged table s1.unseen as select i, md5(i::text) from generate_series(1, 10000) i;
checkpoint;
select pg_switch_wal();
create unlogged table s1.seen as select pg_current_wal_lsn() as lsn;
-- until: select bool_and(confirmed_flush_lsn >= lsn) from pg_replication_slots, s1.seen where slot_name ~ 'ours' and database = current_database()
