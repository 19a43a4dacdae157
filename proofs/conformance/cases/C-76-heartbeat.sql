-- C-76: heartbeats come through the WAL while nothing that is published changes
-- ours alone: the reference's heartbeats hold a time alone and do not come through the WAL
-- topics: heartbeat
-- relay: DIPTYCH_HEARTBEAT_INTERVAL_MS=100
-- expect some heartbeat: {"headers":{}}
-- begin
create unlogged table began as select pg_current_wal_lsn() as lsn;
-- until: select bool_and(confirmed_flush_lsn > lsn) from pg_replication_slots, began where slot_name ~ 'ours' and database = current_database()
-- restart
create unlogged table began_again as select pg_current_wal_lsn() as lsn;
-- until: select bool_and(confirmed_flush_lsn > lsn) from pg_replication_slots, began_again where slot_name ~ 'ours' and database = current_database()
