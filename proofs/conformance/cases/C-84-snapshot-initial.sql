-- C-84: rows that were there are read first, with their markers; what comes later is streamed
-- snapshot mode: initial
-- expect s1.a: {"key":{"pk":1},"op":"r","before":null,"source":{"schema":"s1","table":"a"}}
-- expect s1.a: {"key":{"pk":2},"op":"r","source":{"snapshot":"true"}}
-- expect s1.a: {"key":{"pk":3},"op":"r"}
-- expect s1.a: {"key":{"pk":4},"op":"c","source":{"snapshot":"false"}}
-- expect s1.b: {"key":{"pk":1},"op":"r"}
-- expect s1.b: {"key":{"pk":2},"op":"r","source":{"snapshot":"true"}}
-- expect s1.b: {"key":{"pk":3},"op":"r"}
-- expect s1.b: {"key":{"pk":2},"op":"u","source":{"snapshot":"false"}}
create schema s1;
create table s1.a (pk int primary key, aa text, d date default '2026-01-31', n numeric(6,2) default 1.50);
create table s1.b (pk int primary key, bb jsonb);
create table s1.empty (pk int primary key);
insert into s1.a values (1, 'one'), (2, null), (3, 'three');
insert into s1.b values (1, '{"a": 1}'), (2, null), (3, '[]');
-- begin
insert into s1.a values (4, 'four');
update s1.b set bb = '{"b": 2}' where pk = 2;
