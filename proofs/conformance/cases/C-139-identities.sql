-- C-139: replica identities that change: an index, FULL, none
create schema s1;
create table s1.t (pk int primary key, code text not null unique, v text);
insert into s1.t values (1, 'a', 'one'), (2, 'b', 'two');
-- wait
alter table s1.t replica identity using index t_code_key;
update s1.t set v = 'by the index' where pk = 1;
update s1.t set code = 'aa' where pk = 1;
delete from s1.t where code = 'b';
-- wait
alter table s1.t replica identity full;
update s1.t set v = 'full' where pk = 1;
update s1.t set pk = 3 where pk = 1;
-- wait
alter table s1.t replica identity nothing;
insert into s1.t values (4, 'd', 'four');
-- may fail
update s1.t set v = 'refused' where pk = 4;
-- wait
alter table s1.t replica identity default;
delete from s1.t;
