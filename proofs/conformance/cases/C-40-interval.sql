-- C-40: intervals, also of a deleted row
create schema s1;
create table s1.t (pk serial primary key, iv interval, nn interval not null default 'P1D');
insert into s1.t (iv) values ('P1Y2M3DT4H5M6.78S');
insert into s1.t (iv) values ('-1 year -2 mons -3 days -04:05:06.78');
insert into s1.t (iv) values ('P1Y-2M3DT-4H5M-6.78S');
insert into s1.t (iv) values ('0');
insert into s1.t (iv) values ('00:00:00.000001');
insert into s1.t (iv) values ('292000 years');
insert into s1.t (iv) values ('1000000 hours');
insert into s1.t default values;
delete from s1.t where pk = 1;
