-- C-137: killed and restarted between and within transactions, with DDL and key changes between
create schema s1;
create table s1.a (pk int primary key, d date, v text);
insert into s1.a values (1, '2026-01-31', 'one');
-- kill
insert into s1.a values (2, '2026-02-01', 'two');
begin;
update s1.a set pk = 10 where pk = 1;
-- restart
insert into s1.a select n, '2026-03-01', 'many' from generate_series(100, 400) n;
commit;
-- wait
alter table s1.a add column n numeric default 1.5;
insert into s1.a values (11, null, null, 2);
-- wait
-- kill
delete from s1.a where pk > 200;
