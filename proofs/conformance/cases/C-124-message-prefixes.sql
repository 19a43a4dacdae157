-- C-124: logical messages by their prefixes
-- relay: DIPTYCH_CHANGE_MESSAGES=true
-- relay: DIPTYCH_CHANGE_MESSAGE_PREFIXES_INCLUDE=foo*,bar
-- connector: message.prefix.include.list=foo.*,bar
-- expect message: {"key":{"prefix":"foo"},"op":"m"}
-- expect message: {"key":{"prefix":"foofoo"},"op":"m"}
-- expect message: {"key":{"prefix":"bar"},"op":"m"}
create schema s1;
create table s1.a (pk int primary key);
insert into s1.a values (1);
select pg_logical_emit_message(true, 'foo', '1');
select pg_logical_emit_message(true, 'other', '2');
select pg_logical_emit_message(true, 'foofoo', '3');
select pg_logical_emit_message(true, 'barbar', '4');
select pg_logical_emit_message(true, 'bar', '5');
insert into s1.a values (2);
