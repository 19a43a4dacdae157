-- C-58: a logical message that is not transactional
-- needs: change.messages
-- relay: DIPTYCH_CHANGE_MESSAGES=true
-- expect message: {"key":{"prefix":"foo"},"op":"m"}
select pg_logical_emit_message(false, 'foo', 'bar');
