-- C-127: only some tables are published, those that come later too
-- relay: DIPTYCH_CHANGE_INCLUDE=conformance.*,s1.a*,*.shared
-- relay: DIPTYCH_TIMING_PUBLICATION_CHECK_INTERVAL_MS=500
-- connector: table.include.list=conformance\..*,s1\.a.*,.*\.shared
drop publication diptych_change;
drop publication reference;
create schema s1;
create schema s2;
create table s1.a (pk int primary key, v text);
create table s1.b (pk int primary key, v text);
create table s2.a (pk int primary key, v text);
create table s2.shared (pk int primary key, v text);
create publication reference for table conformance.marker, conformance.signal, s1.a, s2.shared;
-- begin
begin;
insert into s1.a values (1, 'published');
insert into s1.b values (1, 'not published');
insert into s2.a values (1, 'not published');
insert into s2.shared values (1, 'published');
commit;
create table s1.later (pk int primary key, v text);
create table s1.a_later (pk int primary key, v text);
alter publication reference add table s1.a_later;
-- until: select count(*) = 1 from pg_publication_tables where pubname = 'diptych_change' and tablename = 'a_later'
insert into s1.a_later values (1, 'published');
insert into s1.later values (1, 'not published');
update s1.b set v = 'not either';
delete from s1.a;
