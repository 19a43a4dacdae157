-- C-124: prefixes of logical messages that are not published
-- relay: DIPTYCH_CHANGE_MESSAGES=true
-- relay: DIPTYCH_CHANGE_MESSAGE_PREFIXES_EXCLUDE=secret*
-- connector: message.prefix.exclude.list=secret.*
-- expect message: {"key":{"prefix":"foo"},"op":"m"}
create schema s1;
create table s1.a (pk int primary key);
insert into s1.a values (1);
select pg_logical_emit_message(true, 'secret one', '1');
select pg_logical_emit_message(true, 'foo', '2');
insert into s1.a values (2);
