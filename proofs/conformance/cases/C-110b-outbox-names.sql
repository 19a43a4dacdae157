-- C-110: every column has another name, and another column decides the topic
-- topics: outbox.event.
-- router: table.field.event.id=event_id
-- router: table.field.event.key=order_id
-- router: table.field.event.type=kind
-- router: table.field.event.payload=body
-- router: route.by.field=place
-- router: route.topic.regex=(?<country>[a-z]+)-.*
-- router: route.topic.replacement=%prefix%.outbox.event.of-${country}
-- connector: transforms.outbox.table.fields.additional.placement=kind:header:eventType
-- expect outbox.event.of-cz: {"key":"17","value":"{\"a\": 1}","headers":{"eventType":"OrderPlaced"}}
-- expect outbox.event.of-de: {"key":"18"}
create table outbox (event_id uuid primary key, place text not null, order_id bigint not null, kind text not null, body jsonb);
-- begin
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002425', 'cz-prague', 17, 'OrderPlaced', '{"a": 1}');
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002426', 'de-berlin', 18, 'OrderPlaced', '{"a": 2}');
