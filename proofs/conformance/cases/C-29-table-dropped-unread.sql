-- C-29: a table is dropped before its inserts were read
-- reference fails: the key of a row of a dropped table is null
-- expect s1.a: {"key":{"pk":1},"op":"c","after":{"pk":1,"aa":1}}
-- expect s1.a: {"key":{"pk":2},"op":"c","after":{"pk":2,"aa":2}}
-- expect s2.a: {"key":{"pk":1},"op":"c","after":{"pk":1,"aa":3}}
create schema s1;
create schema s2;
create table s1.a (pk serial primary key, aa int);
create table s2.a (pk serial primary key, aa int);
insert into s1.a (aa) values (1);
-- wait
-- stop
insert into s1.a (aa) values (2);
insert into s2.a (aa) values (3);
drop table s1.a;
-- start
