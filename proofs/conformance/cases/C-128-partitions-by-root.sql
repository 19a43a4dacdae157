-- C-128: rows of partitions are changes of the table that was partitioned, where that is asked for
-- relay: DIPTYCH_CHANGE_PARTITIONS=root
drop publication diptych_change;
create schema s1;
create table s1.p (id int, k int, v text, primary key (id, k)) partition by range (k);
create table s1.p_1 partition of s1.p for values from (0) to (10);
create table s1.p_2 (v text, extra int, k int not null, id int not null) ;
alter table s1.p_2 drop column extra;
alter table s1.p attach partition s1.p_2 for values from (10) to (20);
create table s1.other (pk int primary key);
alter publication reference set (publish_via_partition_root = true);
-- begin
insert into s1.p values (1, 1, 'a'), (2, 11, 'b');
update s1.p set v = 'c';
update s1.p set k = 12 where id = 1;
insert into s1.p_2 (id, k, v) values (3, 13, 'by the leaf');
insert into s1.other values (1);
delete from s1.p where id = 2;
truncate s1.p;
insert into s1.p values (4, 4, 'after');
