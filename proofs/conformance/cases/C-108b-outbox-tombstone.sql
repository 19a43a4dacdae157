-- C-108: a null payload becomes a tombstone where that is asked for; key and headers stay
-- topics: outbox.event.
-- router: route.tombstone.on.empty.payload=true
-- expect outbox.event.User: {"key":"10711fa5","value":null,"headers":{"eventType":"UserDeleted"}}
create table outbox (id uuid primary key, aggregatetype text not null, aggregateid text not null, type text not null, payload text);
-- begin
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002425', 'User', '10711fa5', 'UserDeleted', null);
