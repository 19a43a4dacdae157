-- C-21: a table that is made while both stream, eleven rows in one statement
create schema s1;
create table s1.a (pk serial primary key, aa int);
insert into s1.a (aa) select i from generate_series(1, 11) i;
