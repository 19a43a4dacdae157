-- C-38: dates and times, at their ends too
create schema s1;
create table s1.t (pk serial primary key, ts timestamp, ts0 timestamp(0), ts3 timestamp(3), tz timestamptz, d date, ti time, ti3 time(3), tt timetz);
insert into s1.t (ts, ts0, ts3, tz, d, ti, ti3, tt) values ('2016-11-04T13:51:30.123456', '2016-11-04T13:51:30.123456',
  '2016-11-04T13:51:30.123456', '2016-11-04T13:51:30.123456+02:00', '2016-11-04', '13:51:30.123', '13:51:30.123', '13:51:30.123789+02:00');
insert into s1.t (ts, tz, d, ti, tt) values ('2016-11-04T13:51:30', '2016-11-04T13:51:30Z', '1970-01-01', '13:51:30', '13:51:30Z');
insert into s1.t (ti, ti3, tt) values ('24:00:00', '24:00:00', '24:00:00Z');
insert into s1.t (ti, tt) values ('00:00:00', '00:00:00-12:34');
insert into s1.t (tt) values ('23:59:59.999999+15:59:59');
insert into s1.t (ts, tz, d) values ('21016-11-04T13:51:30.123456', '21016-11-04T13:51:30.123456Z', '21016-11-04');
insert into s1.t (ts, tz) values ('1500-02-28 12:00:00', '0001-01-01 00:00:00Z');
insert into s1.t (d) values ('1500-02-28');
insert into s1.t default values;
