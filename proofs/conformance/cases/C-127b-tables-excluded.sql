-- C-127: some tables are not published
-- relay: DIPTYCH_CHANGE_EXCLUDE=s1.b,s2.*
-- connector: table.exclude.list=s1\.b,s2\..*
drop publication diptych_change;
drop publication reference;
create schema s1;
create schema s2;
create table s1.a (pk int primary key, v text);
create table s1.b (pk int primary key, v text);
create table s2.a (pk int primary key, v text);
create publication reference for table conformance.marker, conformance.signal, s1.a;
-- begin
begin;
insert into s1.b values (1, 'not published');
insert into s1.a values (1, 'published');
insert into s2.a values (1, 'not published');
commit;
insert into s2.a values (2, 'not published, and nothing else in its transaction');
truncate s1.b;
truncate s1.a, s2.a;
