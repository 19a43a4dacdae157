-- C-138: a table that gets another name and another schema, and is asked for by a search path
create schema s1;
create schema "S 2";
set search_path = s1;
create table t (pk int primary key, v text);
insert into t values (1, 'one');
-- wait
alter table t rename to u;
insert into u values (2, 'two');
-- wait
alter table u set schema "S 2";
insert into "S 2".u values (3, 'three');
update "S 2".u set v = 'all';
-- wait
create table t (pk uuid primary key, v jsonb);
insert into t values ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": [1, 2.50, null]}');
reset search_path;
