-- C-107: further columns as fields and headers, the record's own timestamp
-- topics: outbox.event.
-- connector: time.precision.mode=adaptive
-- router: table.field.event.timestamp=createdat
-- router: table.fields.additional.placement=version:envelope:eventVersionNumber,somebooltype:envelope,is_deleted:header:deleted,version:header:v
-- expect outbox.event.UserEmail: {"key":"10711fa5","timestamp":1553460779000,"value":"{\"payload\":\"{}\",\"eventVersionNumber\":7,\"somebooltype\":true}","headers":{"deleted":"false","v":"7"}}
-- expect outbox.event.UserEmail: {"key":"10711fa5","timestamp":1553460779123}
create table outbox (id uuid primary key, aggregatetype text not null, aggregateid text not null, type text not null, payload jsonb,
  version int not null, somebooltype boolean not null, createdat timestamp not null, is_deleted boolean default false);
-- begin
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002425', 'UserEmail', '10711fa5', 'UserCreated', '{}', 7, true, '2019-03-24 20:52:59');
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002426', 'UserEmail', '10711fa5', 'UserCreated', '{"email": "a@b.c"}', 8, false, '2019-03-24 20:52:59.123456');
