-- C-57: one table is truncated, then two at once
create schema s1;
create table s1.a (pk serial primary key, aa int);
create table s1.b (pk serial primary key, aa int);
insert into s1.a (aa) values (1);
insert into s1.b (aa) values (1);
truncate s1.a;
insert into s1.a (aa) values (2);
truncate s1.a, s1.b;
