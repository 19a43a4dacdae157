-- C-69: the walsender is terminated; what follows arrives without anybody's help
create schema s1;
create table s1.a (pk serial primary key, aa int);
insert into s1.a (aa) values (1);
-- wait
select pg_terminate_backend(active_pid) from pg_replication_slots where active and database = current_database();
insert into s1.a (aa) values (2);
