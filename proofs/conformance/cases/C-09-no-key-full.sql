-- C-09: a table without a key has null keys and no tombstones
-- reference fails: it sends a tombstone with a null key
-- expect s1.t: {"key":null,"op":"c","after":{"pk":3,"val":30}}
-- expect s1.t: {"key":null,"op":"u","before":{"pk":3,"val":30},"after":{"pk":3,"val":300}}
-- expect s1.t: {"key":null,"op":"d","before":{"pk":3,"val":300},"after":null}
create schema s1;
create table s1.t (pk int, val int);
alter table s1.t replica identity full;
insert into s1.t values (3, 30);
update s1.t set val = 300 where pk = 3;
delete from s1.t;
