-- C-149: a table without a primary key has no key, though it has a unique index
-- reference fails: it takes the unique index for a key, nulls included
-- expect s1.nulls: {"key":null,"op":"c"}
-- expect s1.nulls: {"key":null,"op":"c"}
-- expect s1.nulls: {"key":null,"op":"u"}
-- expect s1.nulls: {"key":null,"op":"d"}
create schema s1;
create table s1.nulls (a int, b int, unique nulls not distinct (a, b));
alter table s1.nulls replica identity full;
insert into s1.nulls values (null, 1), (1, null);
update s1.nulls set b = 2 where a is null;
delete from s1.nulls where b is null;
