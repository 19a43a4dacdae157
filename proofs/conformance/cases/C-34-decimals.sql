-- C-34: decimals with scale and without, and what is no number
create schema s1;
create table s1.t (pk serial primary key, d decimal(3,2), dzs decimal(4), dvs decimal, n numeric(6,4), nvs numeric);
insert into s1.t (d, dzs, dvs, n, nvs) values (1.1, 10.11, 10.1111, 22.22, 22.2222);
insert into s1.t (d, dzs, dvs, n, nvs) values (-1.1, -10, '-0.00000000000000000000001', -22.2222, 12345678901234567890123456789012345678901234567890.5);
insert into s1.t (d, dzs, dvs, n, nvs) values (0, 0, 0, 0, 0.000);
insert into s1.t (dvs, nvs) values (1e30, 1e-30);
insert into s1.t default values;
