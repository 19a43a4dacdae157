-- C-82: a transaction of two tables counts its events; an empty one says nothing
create schema s1;
create schema s2;
create table s1.a (pk serial primary key, aa int);
create table s2.a (pk serial primary key, aa int);
begin;
insert into s1.a (aa) values (1);
insert into s2.a (aa) values (1);
commit;
begin;
commit;
begin;
insert into s1.a (aa) values (2);
update s1.a set pk = 9 where pk = 2;
delete from s2.a;
commit;
