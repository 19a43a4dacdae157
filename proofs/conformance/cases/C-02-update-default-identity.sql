-- C-02: an update with the default identity has no row before
-- expect s1.t: {"key":{"pk":1},"op":"c"}
-- expect s1.t: {"key":{"pk":1},"op":"u","before":null,"after":{"pk":1,"text":"update"}}
create schema s1;
create table s1.t (pk serial primary key, text text);
insert into s1.t (text) values ('insert');
update s1.t set text = 'update' where pk = 1;
