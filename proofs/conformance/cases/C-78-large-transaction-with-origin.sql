-- C-78: a large transaction keeps its origin when both are killed in the midst of it
create schema s1;
create table s1.a (pk int primary key, aa text);
select pg_replication_origin_create('large-' || current_database());
select pg_replication_origin_session_setup('large-' || current_database());
insert into s1.a select i, md5(i::text) from generate_series(1, 20000) i;
-- kill
select pg_replication_origin_session_reset();
insert into s1.a values (0, 'last');
