-- C-60: the origin of a transaction, which does not leak into the next
create schema s1;
create table s1.a (pk serial primary key, aa int);
select pg_replication_origin_create('origin-1-' || current_database());
select pg_replication_origin_create('origin-2-' || current_database());
insert into s1.a (aa) values (1);
select pg_replication_origin_session_setup('origin-1-' || current_database());
insert into s1.a (aa) values (2);
begin;
select pg_replication_origin_xact_setup('0/12345', now());
insert into s1.a (aa) values (3);
commit;
insert into s1.a (aa) values (4);
select pg_replication_origin_session_reset();
insert into s1.a (aa) values (5);
select pg_replication_origin_session_setup('origin-2-' || current_database());
insert into s1.a (aa) values (6);
select pg_replication_origin_session_reset();
insert into s1.a (aa) values (7);
