-- C-99: a publication that was dropped is not made again and read past: both end, and say so
-- ours refuses[exact]: publication-lost
-- ours refuses[debezium]: publication-lost
create schema s1;
create table s1.a (pk int primary key);
insert into s1.a values (1);
-- wait
-- stop
drop publication diptych_change;
drop publication reference;
insert into s1.a values (2);
-- start
