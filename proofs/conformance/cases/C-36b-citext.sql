-- C-36: citext
-- extension: citext
create schema s1;
create extension citext with schema s1;
create table s1.t (pk serial primary key, t s1.citext, ts s1.citext[]);
insert into s1.t (t, ts) values ('Hello World', '{A,b,NULL}');
insert into s1.t default values;
