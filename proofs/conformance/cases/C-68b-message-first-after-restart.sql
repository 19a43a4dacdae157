-- C-68: a logical message outside of transactions that is the first thing after a restart
-- needs: change.messages
-- relay: DIPTYCH_CHANGE_MESSAGES=true
-- topics: message
-- reference fails: it may lose such a message
-- expect message: {"key":{"prefix":"foo"},"op":"m"}
create schema s1;
create table s1.a (pk int primary key);
insert into s1.a values (1);
-- restart
begin;
insert into s1.a values (2);
select pg_logical_emit_message(false, 'foo', 'bar');
commit;
