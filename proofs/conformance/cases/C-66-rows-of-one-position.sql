-- C-66: rows that one WAL record holds
create schema s1;
create table s1.a (pk int primary key, aa int);
-- as copy
insert into s1.a select i, i from generate_series(1, 20) i;
create table s1.b (pk int primary key, aa int);
insert into s1.b select * from s1.a;
-- restart
update s1.b set aa = aa + 1;
