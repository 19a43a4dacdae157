-- C-58: a logical message that is not transactional, text and bytes
-- needs: change.messages
-- relay: DIPTYCH_CHANGE_MESSAGES=true
-- expect message: {"key":{"prefix":"foo"},"op":"m","message":{"prefix":"foo","content":"YmFy"},"source":{"txId":null,"table":""}}
-- expect message: {"key":{"prefix":"foo"},"op":"m","message":{"prefix":"foo","content":"AAH/"},"source":{"txId":null}}
select pg_logical_emit_message(false, 'foo', 'bar');
select pg_logical_emit_message(false, 'foo', '\x0001ff'::bytea);
