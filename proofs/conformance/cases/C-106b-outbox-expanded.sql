-- C-106: the payload is JSON, not a text of it
-- topics: outbox.event.
-- router: table.expand.json.payload=true
-- connector: value.converter=org.apache.kafka.connect.json.JsonConverter
-- connector: value.converter.schemas.enable=false
-- expect outbox.event.User: {"value":"{\"a\":1,\"b\":\"ž\",\"list\":[1,2],\"inner\":{\"x\":true}}"}
create table outbox (id uuid primary key, aggregatetype text not null, aggregateid text not null, type text not null, payload jsonb);
-- begin
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002425', 'User', '10711fa5', 'UserCreated', '{"a": 1, "b": "ž", "list": [1, 2], "inner": {"x": true}}');
