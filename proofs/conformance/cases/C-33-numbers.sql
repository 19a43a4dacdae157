-- C-33: numbers to the last digit, with what JSON has no number for
create schema s1;
create table s1.t (pk serial primary key, si smallint, i int, bi bigint, r real, d double precision, r2 real,
  d2 double precision, r3 real, d3 double precision, b boolean, o oid);
insert into s1.t (si, i, bi, r, d, r2, d2, r3, d3, b, o)
  values (1, 123456, 1234567890123, 3.3, 4.44, 'NaN', 'NaN', 'Infinity', '-Infinity', true, 4000000000);
insert into s1.t (si, i, bi, r, d, b, o) values (-32768, -2147483648, -9223372036854775808, 1e-38, 1e308, false, 0);
insert into s1.t (si, i, bi, r, d, o) values (32767, 2147483647, 9223372036854775807, 16777216, 9007199254740993, 4294967295);
insert into s1.t (r, d) values (1e10, 1e21);
insert into s1.t (r, d) values ('-0', '-0');
insert into s1.t (r, d) values (0.1, 0.1);
insert into s1.t (bi) values (9007199254740993);
insert into s1.t default values;
