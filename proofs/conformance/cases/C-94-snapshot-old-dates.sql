-- C-94: dates before 1582 are read as they are streamed
-- snapshot mode: initial
create schema s1;
create table s1.t (pk int primary key, d date, ts timestamp, ms timestamp(3), tz timestamptz);
insert into s1.t values (1, '1582-10-04', '1582-10-04 12:00', '1582-10-04 12:00', '1582-10-04 12:00Z');
insert into s1.t values (2, '0001-01-01', '0001-01-01 00:00', '0001-01-01 00:00', '0001-01-01 00:00Z');
insert into s1.t values (3, '0044-03-15 BC', '0044-03-15 12:00 BC', '0044-03-15 12:00 BC', '0044-03-15 12:00Z BC');
-- begin
insert into s1.t select pk + 10, d, ts, ms, tz from s1.t;
