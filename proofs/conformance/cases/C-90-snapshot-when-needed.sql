-- C-90: when_needed reads again when the slot is gone
-- snapshot mode: when_needed
create schema s1;
create table s1.a (pk int primary key, aa text);
insert into s1.a values (1, 'one'), (2, 'two');
-- begin
insert into s1.a values (3, 'three');
-- wait
-- stop
-- drop slots
-- start
-- wait
-- snapshot done
insert into s1.a values (4, 'four');
