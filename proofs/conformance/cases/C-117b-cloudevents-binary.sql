-- C-117: binary CloudEvents: attributes are headers beside the payload
-- topics: outbox.event.
-- ours alone: the reference has no binary mode
-- relay: DIPTYCH_OUTBOXES=[{"table":"public.outbox","cloudEvents":{"source":"/shop","schemaBase":"https://shop.example/"},"router":{"table.field.event.timestamp":"at"}}]
-- expect outbox.event.User: {"key":"1","value":"{\"n\": 1.50}","headers":{"ce_id":"59a42efd-b015-44a9-9dde-cb36d9002425","ce_source":"/shop","ce_type":"User.Created.v1","ce_subject":"1","ce_time":"2019-03-24T20:52:59.000Z","ce_dataschema":"https://shop.example/Created.v1.json","content-type":"application/json"}}
create table outbox (id uuid primary key, aggregatetype text not null, aggregateid text not null, type text not null, payload jsonb, at timestamptz);
-- begin
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002425', 'User', '1', 'Created', '{"n": 1.50}', '2019-03-24 20:52:59Z');
