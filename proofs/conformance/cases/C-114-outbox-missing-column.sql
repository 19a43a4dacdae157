-- C-114: a further column that the table has not is left out where that is asked for
-- reference fails: it ends at a header’s missing column, asked not to
-- topics: outbox.event.
-- router: table.fields.additional.placement=tenant:header
-- router: table.fields.additional.error.on.missing=false
-- expect outbox.event.User: {"key":"1"}
create table outbox (id uuid primary key, aggregatetype text not null, aggregateid text not null, type text not null, payload jsonb);
-- begin
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002425', 'User', '1', 'A', '{}');
