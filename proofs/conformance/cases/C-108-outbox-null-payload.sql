-- C-108: a null payload, and an empty one
-- topics: outbox.event.
-- router:
create table outbox (id uuid primary key, aggregatetype text not null, aggregateid text not null, type text not null, payload jsonb);
-- begin
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002425', 'User', '10711fa5', 'UserDeleted', null);
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002426', 'User', '10711fa5', 'UserEmptied', '""');
