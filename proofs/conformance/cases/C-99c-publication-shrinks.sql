-- C-99: a table that somebody took out of a given publication: our side refuses and names it, the reference is silent
-- ours refuses[exact]: publication-unsuitable
-- ours refuses[debezium]: publication-unsuitable
-- relay: DIPTYCH_PUBLICATION=given
-- relay: DIPTYCH_CHANGE_INCLUDE=conformance.marker,conformance.signal,s1.*
drop publication diptych_change;
create schema s1;
create table s1.a (pk int primary key, v text);
create table s1.b (pk int primary key, v text);
create publication diptych_outbox with (publish_via_partition_root = true);
create publication diptych_change for table conformance.marker, conformance.signal, s1.a, s1.b;
-- begin
insert into s1.b values (1, 'one');
-- wait
-- stop
alter publication diptych_change drop table s1.b;
insert into s1.b values (2, 'not sent');
-- start
