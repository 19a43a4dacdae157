-- C-99: publications that somebody else keeps: a table that comes into them while both are stopped is published
-- relay: DIPTYCH_PUBLICATION=given
-- relay: DIPTYCH_CHANGE_INCLUDE=conformance.marker,conformance.signal,s1.*
drop publication diptych_change;
drop publication reference;
create schema s1;
create table s1.a (pk int primary key, v text);
create publication diptych_outbox with (publish_via_partition_root = true);
create publication diptych_change for table conformance.marker, conformance.signal, s1.a;
create publication reference for table conformance.marker, conformance.signal, s1.a;
-- begin
insert into s1.a values (1, 'one');
-- wait
-- stop
begin;
create table s1.b (pk int primary key, v text);
alter publication diptych_change add table s1.b;
alter publication reference add table s1.b;
commit;
insert into s1.b values (1, 'new');
-- start
insert into s1.b values (2, 'newer');
update s1.a set v = 'still';
