-- C-01: an insert
-- expect s1.a: {"key":{"pk":1},"op":"c","before":null,"after":{"pk":1,"aa":1},"source":{"schema":"s1","table":"a","snapshot":"false"}}
create schema s1;
create table s1.a (pk serial primary key, aa int);
insert into s1.a (aa) values (1);
