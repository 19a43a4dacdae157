-- C-51: ranges, multiranges and network addresses
create schema s1;
create table s1.t (pk serial primary key, ir int4range, nr numrange, tr tsrange, tzr tstzrange, dr daterange, im int4multirange,
  i inet, ci cidr, m macaddr, m8 macaddr8);
insert into s1.t (ir, nr, tr, tzr, dr, im, i, ci, m, m8) values ('[1,5]', '(1.5,)', '[2020-01-01,2020-01-02)', '[2020-01-01Z,infinity)',
  '[2020-01-01,2020-01-05]', '{[1,3),[5,8)}', '192.168.2.0/12', '192.168.100.128/25', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05');
insert into s1.t (ir) values ('empty');
insert into s1.t default values;
