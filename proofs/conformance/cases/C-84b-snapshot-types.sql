-- C-84: values of all kinds are read as they are streamed
-- snapshot mode: initial
create schema s1;
create extension hstore with schema s1;
create type s1.mood as enum ('sad', 'happy');
create domain s1.price as numeric(10,2);
create table s1.t (pk int primary key, i2 smallint, i8 bigint, r real, d double precision, n numeric, n2 numeric(6,4), m money, b bool,
  t text, v varchar(10), c char(5), ba bytea, bt bit(7), vb bit varying, dt date, tm time, tz timetz, ts timestamp, ts3 timestamp(3),
  tstz timestamptz, iv interval, j json, jb jsonb, u uuid, x xml, h s1.hstore, e s1.mood, p s1.price, ia int[], ta text[], na numeric(5,1)[],
  ip inet, r4 int4range, pt point);
insert into s1.t values (1, -5, 9007199254740993, 1.1, 2.2, 123.4500, 22.22, '-1234.11', true, 'ž "q" \', 'v', 'c', '\x00ff', B'0000011',
  B'101', '2016-11-04', '13:51:30.123456', '13:51:30+02', '2016-11-04 13:51:30.123456', '2016-11-04 13:51:30.123', '2016-11-04 13:51:30+02',
  '1 year 2 mons 3 days 04:05:06.78', '{"a" : 1}', '{"a" : 1}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '<a/>', 'a=>1, b=>NULL', 'happy', 9.99,
  '{1,NULL,3}', '{"a,b",c}', '{1.5,2.0}', '10.0.0.1/8', '[1,5)', '(1,2)');
insert into s1.t (pk) values (2);
-- begin
insert into s1.t select 3, i2, i8, r, d, n, n2, m, b, t, v, c, ba, bt, vb, dt, tm, tz, ts, ts3, tstz, iv, j, jb, u, x, h, e, p, ia, ta, na, ip,
  r4, pt from s1.t where pk = 1;
