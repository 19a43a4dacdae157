-- C-150: keys of several columns in another order than the table's: a primary key, a unique index as identity, both, FULL
create table t1 (a int, b text, c int, primary key (b, a));
create table t2 (a int, b int not null, c int not null, v text);
create unique index u2 on t2 (c, b);
alter table t2 replica identity using index u2;
create table t3 (a int, b text, c int, primary key (b, a));
alter table t3 replica identity full;
create table t4 (a int, b int not null, c int not null, v text, primary key (b, a));
create unique index u4 on t4 (c, b);
alter table t4 replica identity using index u4;
insert into t1 values (1, 'x', 1), (2, 'y', 2);
insert into t2 values (1, 2, 3, 'x');
insert into t3 values (1, 'x', 1);
insert into t4 values (1, 2, 3, 'x');
update t1 set c = 5; update t2 set v = 'y'; update t3 set c = 4; update t4 set v = 'z';
update t1 set a = 9 where a = 1;
delete from t1; delete from t2; delete from t3; delete from t4;
