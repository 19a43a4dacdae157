-- C-38: a timestamp of more microseconds than 63 bits hold is refused where it has to be a number
-- relay: DIPTYCH_CHANGE_ON_POISON=stop
-- ours refuses[debezium]: value-not-representable
create schema s1;
create table s1.t (pk serial primary key, ts timestamp);
insert into s1.t (ts) values ('294276-12-31 23:59:59.999999');
