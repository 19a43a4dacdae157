-- C-65: a transaction that began before others and commits while both are stopped
create schema s1;
create table s1.t_long (id int primary key);
create table s1.t_short (id int primary key);
-- as a
begin;
insert into s1.t_long select generate_series(1, 5);
-- as b
insert into s1.t_short values (90);
-- as a
insert into s1.t_long select generate_series(6, 10);
-- as b
insert into s1.t_short values (91);
-- wait
-- stop
-- as a
commit;
-- start
-- as b
insert into s1.t_short values (92);
