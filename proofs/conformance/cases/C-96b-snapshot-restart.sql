-- C-96: killed in the middle of two tables, what is left is read
create schema s1;
create table s1.a (pk int primary key, aa int);
create table s1.b (pk bigint primary key, bb text);
insert into s1.a select n, n from generate_series(1, 3000) n;
insert into s1.b select n, n from generate_series(1, 500) n;
-- begin
-- snapshot: s1.a, s1.b
-- kill
update s1.a set aa = -aa where pk % 2 = 0;
insert into s1.b values (501, 'later');
-- snapshot done
