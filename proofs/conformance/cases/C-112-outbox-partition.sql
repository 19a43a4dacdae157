-- C-112: a column says which partition
-- topics: outbox.event.
-- relay: DIPTYCH_KAFKA_PARTITIONS=4
-- connector: topic.creation.default.partitions=4
-- router: table.fields.additional.placement=p:partition
-- expect outbox.event.User: {"key":"1","partition":3}
-- expect outbox.event.Address: {"key":"2","partition":0}
create table outbox (id uuid primary key, aggregatetype text not null, aggregateid text not null, type text not null, payload jsonb, p int not null);
-- begin
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002425', 'User', '1', 'A', '{}', 3);
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002426', 'Address', '2', 'A', '{}', 0);
