-- C-74: the confirmed position follows what is published, and never goes back
-- ours alone: the reference confirms when Connect flushes its offsets
create schema s1;
create table s1.a (pk int primary key);
insert into s1.a values (1);
create unlogged table s1.seen as select pg_current_wal_lsn() as lsn;
-- until: select bool_and(confirmed_flush_lsn >= lsn) from pg_replication_slots, s1.seen where slot_name ~ 'ours' and database = current_database()
truncate s1.seen;
insert into s1.seen select min(confirmed_flush_lsn) from pg_replication_slots where slot_name ~ 'ours' and database = current_database();
-- restart
insert into s1.a values (2);
-- until: select bool_and(confirmed_flush_lsn >= lsn) from pg_replication_slots, s1.seen where slot_name ~ 'ours' and database = current_database()
