-- C-96: a table is read while others write; the latest value wins for every key
create schema s1;
create table s1.a (pk int primary key, aa int);
insert into s1.a select n, n from generate_series(1, 1000) n;
-- begin
-- snapshot: s1.a
insert into s1.a select n, n from generate_series(1001, 2000) n;
update s1.a set aa = aa + 2000 where pk % 3 = 0;
update s1.a set pk = pk + 10000 where pk % 50 = 1;
delete from s1.a where pk % 7 = 0;
update s1.a set aa = aa + 2000 where pk % 5 = 0;
-- snapshot done
update s1.a set aa = 0 where pk = 1000;
