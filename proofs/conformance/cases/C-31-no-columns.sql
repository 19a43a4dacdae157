-- C-31: a table without columns does not break the stream
-- reference fails: it leaves the row out
-- expect s1.none: {"key":null,"op":"c","after":{}}
-- expect s1.a: {"key":{"pk":1},"op":"c"}
create schema s1;
create table s1.none ();
create table s1.a (pk int primary key);
insert into s1.none default values;
insert into s1.a values (1);
