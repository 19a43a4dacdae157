-- C-43: arrays of network, range and system types
create schema s1;
create table s1.t (pk serial primary key, inet inet[], cidr cidr[], mac macaddr[], mac8 macaddr8[], ir int4range[], br int8range[],
  nr numrange[], tr tsrange[], tzr tstzrange[], dr daterange[], oa oid[], bya bytea[]);
insert into s1.t (inet, cidr, mac, mac8, ir, br, nr, tr, tzr, dr, oa, bya) values ('{192.168.2.0/12,::1}', '{192.168.100.128/25}',
  '{08:00:2b:01:02:03}', '{08:00:2b:01:02:03:04:05}', '{"[1,6)"}', '{"[1,6)"}', '{"[5.3,6.3)"}', '{"[\"2010-01-01 14:30\",\"2010-01-01 15:30\")"}',
  '{"[\"2010-01-01 14:30Z\",\"2010-01-01 15:30Z\")"}', '{"[2010-01-01,2010-01-05)"}', '{3,4000000000}', array['\x0102']::bytea[]);
insert into s1.t default values;
