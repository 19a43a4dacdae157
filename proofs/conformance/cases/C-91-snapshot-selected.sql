-- C-91: only the selected tables are read, all are streamed
-- snapshot mode: initial
-- snapshot tables: s1.a
-- expect s1.a: {"key":{"pk":1},"op":"r"}
-- expect s1.a: {"key":{"pk":2},"op":"c"}
-- expect s1.b: {"key":{"pk":2},"op":"c"}
create schema s1;
create table s1.a (pk int primary key);
create table s1.b (pk int primary key);
insert into s1.a values (1);
insert into s1.b values (1);
-- begin
insert into s1.a values (2);
insert into s1.b values (2);
