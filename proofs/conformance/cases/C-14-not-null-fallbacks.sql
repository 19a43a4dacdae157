-- C-14: nothing is invented for NOT NULL columns that were not sent
-- reference fails: its `before` of a delete holds 0, "", false and epochs that never stood in the row
-- expect s1.t: {"key":{"pk":1},"op":"c"}
-- expect s1.t: {"key":{"pk":1},"op":"u","before":null}
-- expect s1.t: {"key":{"pk":1},"op":"d","before":{"pk":1},"after":null}
-- expect s1.t: {"key":{"pk":1},"value":null}
create schema s1;
create table s1.t (pk serial primary key, val int not null, si smallint not null, bi bigint not null, r real not null,
  d double precision not null, n numeric(10,2) not null, nv numeric not null, m money not null, b boolean not null,
  c char(3) not null, v varchar(5) not null, t text not null, by bytea not null, da date not null, ti time not null,
  tz timetz not null, ts timestamp not null, ttz timestamptz not null, iv interval not null, u uuid not null,
  j json not null, jb jsonb not null, ia int[] not null, ta text[] not null, bt bit(3) not null, ip inet not null,
  rg int4range not null, x xml not null, o oid not null);
insert into s1.t values (1, 1, 2, 3, 4.5, 6.5, 7.25, 8.125, 9, true, 'abc', 'vc', 'text', '\x01', '2020-01-01', '10:00',
  '10:00+02', '2020-01-01 10:00', '2020-01-01 10:00Z', 'P1D', '9a2b4e38-1d9c-4d6b-9f1c-0f4f3a2f4e11', '{}', '{"a":1}',
  '{1,2}', '{a,b}', '101', '10.0.0.1', '[1,5)', '<a/>', 4000000000);
update s1.t set val = 40;
delete from s1.t;
