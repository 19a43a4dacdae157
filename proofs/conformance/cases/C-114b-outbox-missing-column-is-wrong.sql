-- C-114: a further column that the table has not makes its rows malformed
-- topics: outbox.event.
-- router: table.fields.additional.placement=tenant:header
-- relay: DIPTYCH_OUTBOX_ON_POISON=stop
-- ours refuses[exact]: outbox-row-malformed
-- ours refuses[debezium]: outbox-row-malformed
create table outbox (id uuid primary key, aggregatetype text not null, aggregateid text not null, type text not null, payload jsonb);
-- begin
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002425', 'User', '1', 'A', '{}');
