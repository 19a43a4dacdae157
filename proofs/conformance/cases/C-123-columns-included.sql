-- C-123: only some columns are published; a key keeps its own
-- relay: DIPTYCH_CHANGE_COLUMNS_INCLUDE=s1.a.pk,s1.a.name,s1.b.*
-- connector: column.include.list=s1\.a\.pk,s1\.a\.name,s1\.b\..*
create schema s1;
create table s1.a (pk int primary key, name text, mail varchar(40), n int);
create table s1.b (pk int primary key, name text);
-- begin
insert into s1.a values (1, 'Žofie', 'zofie@example.org', 5), (2, null, null, null), (3, '', 'x', 0);
insert into s1.b values (1, 'b');
update s1.a set name = 'a name that is long', n = 6 where pk = 1;
alter table s1.a replica identity full;
update s1.a set mail = 'other@example.org' where pk = 1;
delete from s1.a where pk = 1;
