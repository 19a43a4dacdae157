-- C-27: the key's columns are replaced while both are stopped; the key is that of its change
-- reference fails: the key of record 4 lacks columns that it had when it was written
-- expect s1.t: {"key":{"newpk":3,"pk2":3},"op":"c"}
-- expect s1.t: {"key":{"newpk":4,"pk2":4},"op":"c"}
-- expect s1.t: {"key":{"newpk":5,"pk3":8},"op":"c"}
create schema s1;
create table s1.t (newpk int, pk2 int, val text, primary key (newpk, pk2));
insert into s1.t values (3, 3, 'three');
-- wait
-- stop
insert into s1.t values (4, 4, 'four');
alter table s1.t drop constraint t_pkey;
alter table s1.t drop pk2;
alter table s1.t add pk3 serial;
alter table s1.t add primary key (newpk, pk3);
insert into s1.t values (5, 'five', 8);
-- start
