-- C-103: the default route of an outbox row
-- topics: outbox.event.
-- router:
-- expect outbox.event.User: {"key":"10711fa5","value":"{}","headers":{"id":"59a42efd-b015-44a9-9dde-cb36d9002425"}}
create table outbox (id uuid primary key, aggregatetype text not null, aggregateid text not null, type text not null, payload jsonb);
-- begin
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002425', 'User', '10711fa5', 'UserCreated', '{}');
