-- C-88: no_data reads nothing
-- snapshot mode: no_data
-- expect s1.a: {"key":{"pk":3},"op":"c","source":{"snapshot":"false"}}
create schema s1;
create table s1.a (pk int primary key, aa text);
insert into s1.a values (1, 'one'), (2, 'two');
-- begin
insert into s1.a values (3, 'three');
