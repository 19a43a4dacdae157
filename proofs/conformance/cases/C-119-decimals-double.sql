-- C-119: decimals: double
-- relay: DIPTYCH_CHANGE_DECIMALS=double
-- connector: decimal.handling.mode=double
create schema s1;
create table s1.t (pk serial primary key, d decimal(3,2), n numeric(6,4), dvs decimal, big numeric(30,5), m money, na numeric(5,1)[]);
insert into s1.t (d, n, dvs, big, m, na) values (1.1, 22.22, 10.1111, 1234567890123456789012345.67891, '1234.11', '{1.5,NULL,-2}');
insert into s1.t (d, n, dvs, big, m) values (-0.01, -22.2222, 1e10, -0.00001, '-1234.11'), (0, 0, 0, 0, '0'), (null, null, null, null, null);
update s1.t set dvs = 0.00000001 where pk = 1;
delete from s1.t where pk = 2;
