-- C-68: transactional messages are not sent again after a restart
-- needs: change.messages
-- relay: DIPTYCH_CHANGE_MESSAGES=true
select pg_logical_emit_message(true, 'foo', 'one');
select pg_logical_emit_message(true, 'foo', 'two');
-- wait
-- restart
