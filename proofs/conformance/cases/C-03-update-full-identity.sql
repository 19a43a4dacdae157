-- C-03: an update with full identity has the whole row before
-- expect s1.t: {"op":"c"}
-- expect s1.t: {"op":"u","before":null}
-- expect s1.t: {"key":{"pk":1},"op":"u","before":{"pk":1,"text":"update"},"after":{"pk":1,"text":"update2"}}
create schema s1;
create table s1.t (pk serial primary key, text text);
insert into s1.t (text) values ('insert');
update s1.t set text = 'update' where pk = 1;
alter table s1.t replica identity full;
update s1.t set text = 'update2' where pk = 1;
