-- C-89: always reads everything again at each start
-- snapshot mode: always
create schema s1;
create table s1.a (pk int primary key, aa text);
insert into s1.a values (1, 'one'), (2, 'two');
-- begin
insert into s1.a values (3, 'three');
-- wait
-- restart
-- wait
-- snapshot done
insert into s1.a values (4, 'four');
