-- C-109: updates and deletes of outbox rows are no events; a row deleted in its transaction is one
-- topics: outbox.event.
-- router:
-- expect outbox.event.User: {"key":"1","headers":{"eventType":"A"}}
-- expect outbox.event.User: {"key":"2","headers":{"eventType":"B"}}
create table outbox (id uuid primary key, aggregatetype text not null, aggregateid text not null, type text not null, payload jsonb);
-- begin
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002425', 'User', '1', 'A', '{}');
update outbox set payload = '{"a": 1}';
delete from outbox;
begin;
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002426', 'User', '2', 'B', '{}');
delete from outbox;
commit;
