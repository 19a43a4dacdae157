-- C-79: what is rolled back is not published, savepoints included
create schema s1;
create table s1.a (pk int primary key, aa int);
begin;
insert into s1.a values (1, 1);
rollback;
begin;
insert into s1.a values (2, 2);
savepoint one;
insert into s1.a values (3, 3);
savepoint two;
update s1.a set aa = 4;
rollback to two;
delete from s1.a where pk = 2;
rollback to one;
insert into s1.a values (4, 4);
release one;
commit;
begin;
insert into s1.a values (5, 5);
-- may fail
insert into s1.a values (5, 5);
commit;
insert into s1.a values (6, 6);
