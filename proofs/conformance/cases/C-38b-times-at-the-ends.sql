-- C-38: the first and the last date and time there are, and infinity
create schema s1;
create table s1.t (pk serial primary key, ts timestamp, ms timestamp(3), tz timestamptz, d date);
insert into s1.t (tz) values ('294276-12-31 23:59:59.999999Z');
insert into s1.t (ts) values ('4713-11-24 00:00:00 BC');
insert into s1.t (tz) values ('4713-11-24 00:00:00Z BC');
insert into s1.t (ts) values ('0044-03-15 12:00:00 BC');
insert into s1.t (d) values ('0044-03-15 BC');
insert into s1.t (d) values ('4713-11-24 BC');
insert into s1.t (d) values ('5874897-12-31');
insert into s1.t (ts, tz) values ('infinity', 'infinity');
insert into s1.t (ts, tz) values ('-infinity', '-infinity');
insert into s1.t (d) values ('infinity');
insert into s1.t (d) values ('-infinity');
insert into s1.t (ms) values ('infinity');
insert into s1.t (ms) values ('-infinity');
