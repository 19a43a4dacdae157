-- C-04: each delete is followed by its tombstone
-- expect s1.t: {"key":{"pk":1},"op":"c"}
-- expect s1.t: {"key":{"pk":2},"op":"c"}
-- expect s1.t: {"key":{"pk":1},"op":"d","after":null}
-- expect s1.t: {"key":{"pk":1},"value":null}
-- expect s1.t: {"key":{"pk":2},"op":"d","after":null}
-- expect s1.t: {"key":{"pk":2},"value":null}
create schema s1;
create table s1.t (pk serial primary key, text text);
insert into s1.t (text) values ('insert');
begin;
insert into s1.t (text) values ('insert2');
delete from s1.t where pk > 0;
commit;
