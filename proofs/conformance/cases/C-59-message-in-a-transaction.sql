-- C-59: logical messages in a transaction, alone and between changes
-- needs: change.messages
-- relay: DIPTYCH_CHANGE_MESSAGES=true
-- expect message: {"key":{"prefix":"foo"},"op":"m","message":{"content":"YmFy"}}
-- expect message: {"key":{"prefix":"ž"},"op":"m"}
-- expect message: {"key":{"prefix":"empty"},"op":"m","message":{"content":""}}
-- expect s1.a: {"key":{"pk":1},"op":"c"}
-- expect s1.a: {"key":{"pk":2},"op":"c"}
create schema s1;
create table s1.a (pk int primary key);
select pg_logical_emit_message(true, 'foo', 'bar');
begin;
insert into s1.a values (1);
select pg_logical_emit_message(true, 'ž', 'ž😀');
insert into s1.a values (2);
select pg_logical_emit_message(true, 'empty', '');
commit;
begin;
select pg_logical_emit_message(true, 'gone', 'rolled back');
rollback;
