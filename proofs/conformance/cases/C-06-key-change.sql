-- C-06: a key change is delete, tombstone and create, each naming the other key
-- expect s1.t: {"key":{"pk":1},"op":"c"}
-- expect s1.t: {"key":{"pk":1},"op":"d","after":null,"headers":{"__debezium.newkey":{"pk":2}}}
-- expect s1.t: {"key":{"pk":1},"value":null}
-- expect s1.t: {"key":{"pk":2},"op":"c","before":null,"after":{"pk":2,"text":"update"},"headers":{"__debezium.oldkey":{"pk":1}}}
create schema s1;
create table s1.t (pk serial primary key, text text);
insert into s1.t (text) values ('insert');
update s1.t set text = 'update', pk = 2;
