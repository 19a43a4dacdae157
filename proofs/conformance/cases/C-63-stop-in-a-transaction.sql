-- C-63: stopped while a transaction is being read
create schema s1;
create table s1.a (pk int primary key, aa text);
insert into s1.a select i, md5(i::text) from generate_series(1, 3000) i;
-- restart
insert into s1.a values (0, 'last');
