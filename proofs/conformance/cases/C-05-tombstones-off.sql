-- C-05: deletes without tombstones
-- needs: change.tombstones
-- relay: DIPTYCH_CHANGE_TOMBSTONES=false
-- connector: tombstones.on.delete=false
-- expect s1.t: {"key":{"pk":1},"op":"c"}
-- expect s1.t: {"key":{"pk":2},"op":"c"}
-- expect s1.t: {"key":{"pk":1},"op":"d"}
-- expect s1.t: {"key":{"pk":2},"op":"d"}
create schema s1;
create table s1.t (pk serial primary key, text text);
insert into s1.t (text) values ('insert');
begin;
insert into s1.t (text) values ('insert2');
delete from s1.t where pk > 0;
commit;
