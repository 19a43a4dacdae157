-- C-72: a slot that was dropped and made anew is refused, and not streamed from silently
-- reference fails: it streams from where the new slot is, and what was written before is lost without a word
-- ours refuses[exact]: slot-moved-or-recreated
-- ours refuses[debezium]: slot-moved-or-recreated
-- expect s1.a: {"key":{"pk":1}}
-- expect s1.a: {"key":{"pk":2}}
-- expect s1.a: {"key":{"pk":3}}
create schema s1;
create table s1.a (pk int primary key);
insert into s1.a values (1);
-- stop
insert into s1.a values (2);
do $body$ declare one record; begin
  for one in select slot_name as name from pg_replication_slots where database = current_database() and slot_name ~ '(ours|theirs)$' loop
    perform pg_drop_replication_slot(one.name);
    perform pg_create_logical_replication_slot(one.name, 'pgoutput');
  end loop;
end $body$;
-- start
insert into s1.a values (3);
