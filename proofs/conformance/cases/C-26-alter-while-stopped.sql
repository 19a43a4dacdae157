-- C-26: a column comes between two changes while both are stopped
-- expect s1.t: {"op":"c","after":{"pk":1,"d1":1}}
-- expect s1.t: {"op":"c","after":{"pk":2,"d1":2}}
-- expect[exact] s1.t: {"op":"c","after":{"pk":3,"d1":1,"d2":"3.000000"}}
-- expect[debezium] s1.t: {"op":"c"}
create schema s1;
create table s1.t (pk int primary key, d1 int);
insert into s1.t values (1, 1);
-- wait
-- stop
insert into s1.t values (2, 2);
alter table s1.t add d2 numeric(10,6) default 0 not null;
alter table s1.t alter d2 set not null;
-- start
insert into s1.t values (3, 1, 3);
