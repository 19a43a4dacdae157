-- C-120: times: adaptive
-- relay: DIPTYCH_CHANGE_TIMES=adaptive
-- connector: time.precision.mode=adaptive
create schema s1;
create table s1.t (pk serial primary key, dt date, tm time, tm3 time(3), tz timetz, ts timestamp, ts0 timestamp(0), ts3 timestamp(3),
  tstz timestamptz, tstz3 timestamptz(3), ats timestamp[]);
insert into s1.t (dt, tm, tm3, tz, ts, ts0, ts3, tstz, tstz3, ats) values ('2016-11-04', '13:51:30.123456', '13:51:30.123', '13:51:30.123789+02',
  '2016-11-04 13:51:30.123456', '2016-11-04 13:51:30', '2016-11-04 13:51:30.123', '2016-11-04 13:51:30.123456+02', '2016-11-04 13:51:30.123+02',
  '{"2016-11-04 13:51:30.123456"}');
insert into s1.t (dt, tm, tm3, tz, ts, ts0, ts3, tstz, tstz3) values ('1969-12-31', '00:00:00', '23:59:59.999', '00:00:00+00', '1969-12-31 23:59:59.999999',
  '1969-12-31 23:59:59', '1969-12-31 23:59:59.001', '1969-12-31 23:59:59.999999Z', '1900-01-01 00:00Z');
insert into s1.t (pk) values (99);
update s1.t set ts = '2038-01-19 03:14:08' where pk = 1;
