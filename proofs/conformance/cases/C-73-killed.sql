-- C-73: both are killed; ours repeats nothing
-- expect s1.a: {"key":{"pk":1},"op":"c"}
-- expect s1.a: {"key":{"pk":2},"op":"c"}
-- expect s1.a: {"key":{"pk":3},"op":"c"}
create schema s1;
create table s1.a (pk serial primary key, aa int);
insert into s1.a (aa) values (1);
insert into s1.a (aa) values (2);
-- kill
insert into s1.a (aa) values (3);
