-- C-109: an update of an outbox row stops both where that is asked for
-- topics: outbox.event.
-- router: table.op.invalid.behavior=fatal
-- ours refuses[exact]: outbox-operation-invalid
-- ours refuses[debezium]: outbox-operation-invalid
create table outbox (id uuid primary key, aggregatetype text not null, aggregateid text not null, type text not null, payload jsonb);
-- begin
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002425', 'User', '1', 'A', '{}');
update outbox set payload = '{"a": 1}';
