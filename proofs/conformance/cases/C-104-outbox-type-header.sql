-- C-104: the type of the event is a header
-- topics: outbox.event.
-- router:
-- expect outbox.event.User: {"headers":{"eventType":"UserCreated"}}
create table outbox (id uuid primary key, aggregatetype text not null, aggregateid text not null, type text not null, payload jsonb);
-- begin
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002425', 'User', '10711fa5', 'UserCreated', '{}');
