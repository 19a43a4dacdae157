-- C-83: a partitioned table speaks by its leaves, also when a row moves
create schema s1;
create table s1.p (id int, k int, v text, primary key (id, k)) partition by range (k);
create table s1.p1 partition of s1.p for values from (0) to (10);
create table s1.p2 partition of s1.p for values from (10) to (20);
insert into s1.p values (1, 1, 'a'), (2, 11, 'b');
update s1.p set v = 'c';
update s1.p set k = 12 where id = 1;
delete from s1.p where id = 2;
