-- C-62: stopped and started between transactions: each once
-- expect s1.a: {"key":{"pk":1},"op":"c"}
-- expect s1.a: {"key":{"pk":2},"op":"c"}
-- expect s1.a: {"key":{"pk":3},"op":"c"}
create schema s1;
create table s1.a (pk serial primary key, aa int);
insert into s1.a (aa) values (1);
-- wait
-- stop
insert into s1.a (aa) values (2);
insert into s1.a (aa) values (3);
-- start
