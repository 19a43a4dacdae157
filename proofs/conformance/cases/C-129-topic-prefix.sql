-- C-129: a prefix of letters of both cases, digits, dots, dashes and underscores, in front of all topics
-- relay: DIPTYCH_PREFIX=%prefix%.Shop-1_EU
-- connector: topic.prefix=%prefix%.Shop-1_EU
create schema "S 1";
create table "S 1"."T/é" (pk int primary key, v text);
insert into "S 1"."T/é" values (1, 'one');
begin;
update "S 1"."T/é" set v = 'two';
select pg_logical_emit_message(true, 'note', 'in a topic of its own');
commit;
delete from "S 1"."T/é";
