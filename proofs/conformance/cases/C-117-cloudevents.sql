-- C-117: structured CloudEvents: the identifier is the event's own, whoever publishes it and whenever
-- topics: outbox.event.
-- ours alone: the identifiers of the reference are made of its positions; ours are those of the rows
-- relay: DIPTYCH_OUTBOXES=[{"table":"public.outbox","cloudEvents":{"source":"/shop","mode":"structured"},"router":{"table.field.event.timestamp":"at"}}]
-- expect outbox.event.User: {"key":"1","value":"{\"specversion\":\"1.0\",\"id\":\"59a42efd-b015-44a9-9dde-cb36d9002425\",\"source\":\"/shop\",\"type\":\"User.Created.v1\",\"subject\":\"1\",\"time\":\"2019-03-24T20:52:59.000Z\",\"datacontenttype\":\"application/json\",\"data\":{\"n\": 1.50}}","headers":{"id":"59a42efd-b015-44a9-9dde-cb36d9002425","content-type":"application/cloudevents+json; charset=utf-8"}}
-- expect outbox.event.User: {"key":"1","value":"{\"specversion\":\"1.0\",\"id\":\"59a42efd-b015-44a9-9dde-cb36d9002426\",\"source\":\"/shop\",\"type\":\"User.Gone.v1\",\"subject\":\"1\",\"time\":\"2019-03-24T20:53:00.000Z\"}"}
create table outbox (id uuid primary key, aggregatetype text not null, aggregateid text not null, type text not null, payload jsonb, at timestamptz);
-- begin
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002425', 'User', '1', 'Created', '{"n": 1.50}', '2019-03-24 20:52:59Z');
-- kill
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002426', 'User', '1', 'Gone', null, '2019-03-24 20:53:00Z');
