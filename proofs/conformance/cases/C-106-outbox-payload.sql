-- C-106: the payload is the text of the jsonb
-- topics: outbox.event.
-- router:
-- expect outbox.event.User: {"value":"{\"n\": 12345678901234567890.10, \"email\": \"a@b.c\"}"}
create table outbox (id uuid primary key, aggregatetype text not null, aggregateid text not null, type text not null, payload jsonb);
-- begin
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002425', 'User', '10711fa5', 'UserUpdated', '{"n": 12345678901234567890.10,   "email": "a@b.c"}');
