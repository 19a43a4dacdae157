-- C-132: DDL in the midst of transactions, types that change with and without rewriting the table
create schema s1;
create table s1.t (pk int primary key, n numeric(8,3), t text, gone int);
insert into s1.t values (1, 1.234, '10', 1), (2, 2.5, '20', 2), (3, -9.999, '30', 3);
-- wait
begin;
alter table s1.t alter n type numeric(8,1);
insert into s1.t values (4, 4.44, '40', 4);
alter table s1.t drop gone;
insert into s1.t values (5, 5.55, '50');
commit;
-- wait
alter table s1.t alter t type int using t::int * 2;
update s1.t set t = t + 1 where pk = 1;
-- wait
alter table s1.t add column made timestamptz not null default '2026-01-31 00:00Z', add column r double precision default random();
insert into s1.t (pk, n, t) values (6, 6, 60);
-- wait
alter table s1.t alter pk type bigint;
update s1.t set pk = 9007199254740993 where pk = 3;
-- wait
alter table s1.t rename n to amount;
insert into s1.t (pk, amount, t) values (7, 7, 70);
-- wait
drop table s1.t;
create table s1.t (other text primary key);
insert into s1.t values ('a new table of the old name');
