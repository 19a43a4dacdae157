-- C-153: tables that are altered, renamed and exchanged while rows change, in one transaction and between
create table a (id int primary key, v int, w text);
insert into a values (1, 1, 'one'), (2, 2, 'two');
begin; update a set v = 10; alter table a alter v type text using v || '!'; update a set v = v || 'after'; alter table a rename w to x; insert into a values (3, 'c', 'x'); alter table a drop column x; insert into a values (4, 'd'); alter table a add column x date default '2026-01-01'; update a set x = null where id = 1; commit;
begin; savepoint s; insert into a values (5, 'gone', null); rollback to s; insert into a values (5, 'kept', null); release s; update a set id = 6 where id = 5; update a set id = 5 where id = 6; commit;
update a set id = id + 100;
begin; delete from a where id = 101; insert into a values (101, 'again', null); commit;
begin; truncate a; insert into a values (1, 'x', null); truncate a; insert into a values (1, 'y', null); commit;
merge into a using (values (1, 'm'), (2, 'n')) s(i, t) on a.id = s.i when matched then update set v = s.t when not matched then insert values (s.i, s.t, null);
with d as (delete from a where id = 1 returning *) insert into a select id + 50, v, x from d;
insert into a values (2, 'up', null) on conflict (id) do update set v = excluded.v || a.v;
insert into a values (2, 'no', null) on conflict do nothing;
-- wait
create table b (like a including all);
insert into b select * from a;
-- wait
alter table a rename to c; alter table b rename to a; insert into a values (77, 'was b', null); insert into c values (78, 'was a', null);
-- wait
drop table a; create table a (id uuid primary key default gen_random_uuid(), z numeric(5,1)); insert into a values ('00000000-0000-0000-0000-0000000000aa', 12.34);
alter table c replica identity nothing; insert into c values (900, 'nothing', null);
-- may fail
update c set id = 0;
alter table c replica identity default; update c set id = 1 where id = 900;
-- wait
alter table c alter v set storage external; insert into c values (901, repeat('k', 2500), null); update c set id = 902 where id = 901; update c set v = repeat('l', 2500) where id = 902; delete from c where id = 902;
vacuum full c; cluster c using a_pkey; update c set id = id;
create table seqd (id bigint generated always as identity primary key, g int generated always as (extra * 2) stored, extra int, vg int generated always as (extra + 1) virtual);
insert into seqd (extra) values (1), (2); update seqd set extra = 5; delete from seqd where extra = 5;
