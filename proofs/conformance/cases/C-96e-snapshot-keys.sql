-- C-96: keys of all kinds: four columns, enum, numeric, date, uuid, text, bytea, names that quote, partitions, computed columns
-- ours alone: the reference reads by keys of fewer kinds, and by other names
create schema s1;
create type s1.mood as enum ('sad', 'ok', 'happy');
create table s1.four (a int, b text, c date, d uuid, v int, primary key (a, b, c, d));
create table s1.moods (m s1.mood primary key, v int);
create table s1.numbers (n numeric primary key, v int);
create table s1.bytes (b bytea primary key, v int);
create table s1."Odd ""Name" ("pk; --" int primary key, v text);
create table s1.parts (pk int, v int, primary key (pk)) partition by range (pk);
create table s1.parts_1 partition of s1.parts for values from (0) to (100);
create table s1.parts_2 partition of s1.parts for values from (100) to (1000);
create table s1.computed (pk int primary key, v int, w int generated always as (v * 2) stored);
insert into s1.four select n, 't' || n % 3, date '2026-01-01' + n, gen_random_uuid(), n from generate_series(1, 250) n;
insert into s1.moods values ('sad', 1), ('ok', 2), ('happy', 3);
insert into s1.numbers values (0.00, 4), (1e20, 5), (-1.5, 6), (1e-10, 7);
insert into s1.bytes select decode(md5(n::text), 'hex'), n from generate_series(1, 250) n;
insert into s1."Odd ""Name" select n, n from generate_series(1, 150) n;
insert into s1.parts select n, n from generate_series(1, 300) n;
insert into s1.computed select n, n from generate_series(1, 150) n;
-- begin
-- snapshot: s1.four, s1.moods, s1.numbers, s1.bytes, s1.Odd "Name, s1.parts, s1.computed
update s1.four set v = -v where a % 2 = 0;
update s1.parts set pk = pk + 500 where pk between 1 and 20;
delete from s1.bytes where v % 5 = 0;
insert into s1.four values (0, 'made meanwhile', '2026-12-31', gen_random_uuid(), 0);
-- snapshot done
