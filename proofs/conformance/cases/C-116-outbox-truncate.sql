-- C-116: a TRUNCATE of the outbox does not stop anything, and rows beside it are change events
-- expect s1.a: {"key":{"pk":1},"op":"c"}
-- expect s1.a: {"key":{"pk":2},"op":"c"}
-- expect outbox.event.User: {"key":"1"}
-- ours alone: the reference needs its router for an outbox
create table outbox (id uuid primary key, aggregatetype text not null, aggregateid text not null, type text not null, payload jsonb);
create schema s1;
create table s1.a (pk int primary key);
-- begin
begin;
insert into s1.a values (1);
insert into outbox values ('59a42efd-b015-44a9-9dde-cb36d9002425', 'User', '1', 'A', '{}');
commit;
truncate outbox;
insert into s1.a values (2);
