-- C-44: arrays of times
create schema s1;
create table s1.t (pk serial primary key, ta time[], tza timetz[], tsa timestamp[], tstza timestamptz[], iva interval[]);
insert into s1.t (ta, tza, tsa, tstza, iva) values ('{13:51:30.123456,24:00:00}', '{13:51:30.123456+02:00}', '{2016-11-04T13:51:30.123456,NULL}',
  '{2016-11-04T13:51:30.123456+02:00}', '{P1Y2M3DT4H5M6.78S}');
insert into s1.t default values;
