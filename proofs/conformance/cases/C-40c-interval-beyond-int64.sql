-- C-40: an interval of more microseconds than 63 bits hold is refused where it has to be a number
-- relay: DIPTYCH_CHANGE_ON_POISON=stop
-- ours refuses[debezium]: value-not-representable
create schema s1;
create table s1.t (pk serial primary key, iv interval);
insert into s1.t (iv) values ('178000000 years');
