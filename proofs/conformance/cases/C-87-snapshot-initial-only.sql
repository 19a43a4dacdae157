-- C-87: initial_only reads once and streams nothing, at a second start neither
-- snapshot mode: initial_only
-- expect s1.a: {"key":{"pk":1},"op":"r"}
-- expect s1.a: {"key":{"pk":2},"op":"r","source":{"snapshot":"last"}}
create schema s1;
create table s1.a (pk int primary key, aa text);
insert into s1.a values (1, 'one'), (2, 'two');
-- begin
insert into s1.a values (3, 'three');
-- stop
insert into s1.a values (4, 'four');
-- start
insert into s1.a values (5, 'five');
