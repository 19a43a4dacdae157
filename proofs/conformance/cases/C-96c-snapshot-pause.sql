-- C-96: paused, resumed and stopped; after a stop the table is read when it is asked for again
create schema s1;
create table s1.a (pk int primary key, aa int);
create table s1.b (pk int primary key);
insert into s1.a select n, n from generate_series(1, 3000) n;
insert into s1.b select n from generate_series(1, 3000) n;
-- begin
-- snapshot: s1.a, s1.b
-- snapshot pause
insert into s1.a values (3001, 3001);
-- snapshot resume
-- snapshot done
-- snapshot: s1.a
-- snapshot stop
-- snapshot done
-- snapshot: s1.b
-- snapshot done
