-- C-59: a logical message in its transaction
-- needs: change.messages
-- relay: DIPTYCH_CHANGE_MESSAGES=true
-- expect message: {"key":{"prefix":"foo"},"op":"m"}
select pg_logical_emit_message(true, 'foo', 'bar');
