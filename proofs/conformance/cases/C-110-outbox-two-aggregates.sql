-- C-110: two aggregates have two topics
-- topics: outbox.event.
-- router:
create table outbox (id uuid primary key, aggregatetype text not null, aggregateid text not null, type text not null, payload jsonb);
-- begin
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002425', 'User', '1', 'A', '{}');
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002426', 'Address', '2', 'B', '{}');
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002427', 'User', '3', 'A', '{}');
