-- C-104: the type of the event is a header
-- topics: outbox.event.
-- connector: key.converter=org.apache.kafka.connect.storage.StringConverter
-- connector: value.converter=org.apache.kafka.connect.storage.StringConverter
-- connector: header.converter=org.apache.kafka.connect.storage.SimpleHeaderConverter
-- connector: transforms=outbox
-- connector: transforms.outbox.type=io.debezium.transforms.outbox.EventRouter
-- connector: transforms.outbox.predicate=isOutbox
-- connector: transforms.outbox.route.topic.replacement=%prefix%.outbox.event.${routedByValue}
-- connector: transforms.outbox.table.fields.additional.placement=type:header:eventType
-- connector: predicates=isOutbox
-- connector: predicates.isOutbox.type=org.apache.kafka.connect.transforms.predicates.TopicNameMatches
-- connector: predicates.isOutbox.pattern=.*\.outbox
-- expect outbox.event.User: {"headers":{"eventType":"UserCreated"}}
create table outbox (id uuid primary key, aggregatetype text not null, aggregateid text not null, type text not null, payload jsonb);
-- begin
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002425', 'User', '10711fa5', 'UserCreated', '{}');
