-- C-92: only rows that meet the condition are read; the signal table is not
-- snapshot mode: initial
-- snapshot tables: s1.*
-- snapshot where: s1.a: pk > 2 and aa <> 'four'
-- expect s1.a: {"key":{"pk":3},"op":"r"}
-- expect s1.a: {"key":{"pk":1},"op":"u"}
-- expect s1.b: {"key":{"pk":1},"op":"r"}
create schema s1;
create table s1.a (pk int primary key, aa text);
create table s1.b (pk int primary key);
insert into s1.a values (1, 'one'), (2, 'two'), (3, 'three'), (4, 'four');
insert into s1.b values (1);
-- begin
update s1.a set aa = 'eins' where pk = 1;
