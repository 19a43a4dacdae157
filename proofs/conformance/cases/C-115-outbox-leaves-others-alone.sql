-- C-115: what does not come from the outbox is as it would be without a router
-- topics: s1.
-- router:
-- connector: key.converter=org.apache.kafka.connect.json.JsonConverter
-- connector: key.converter.schemas.enable=false
-- connector: value.converter=org.apache.kafka.connect.json.JsonConverter
-- connector: value.converter.schemas.enable=false
-- connector: header.converter=org.apache.kafka.connect.json.JsonConverter
-- connector: provide.transaction.metadata=true
create table outbox (id uuid primary key, aggregatetype text not null, aggregateid text not null, type text not null, payload jsonb);
create schema s1;
create table s1.a (pk int primary key, aa text);
-- begin
begin;
insert into s1.a values (1, 'x');
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002425', 'User', '1', 'A', '{}');
update s1.a set pk = 2;
commit;
delete from s1.a;
