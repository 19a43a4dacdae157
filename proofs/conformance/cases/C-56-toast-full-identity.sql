-- C-56: with full identity both rows have the whole value
create schema s1;
create table s1.t (id int primary key, not_toast int, text text, bin bytea);
alter table s1.t replica identity full;
insert into s1.t select 1, 1, string_agg(md5(i::text), ''), convert_to(string_agg(md5((i + 2000)::text), ''), 'UTF8') from generate_series(1, 400) i;
update s1.t set not_toast = 2;
insert into s1.t values (2, 1, null, null);
update s1.t set not_toast = 2 where id = 2;
delete from s1.t;
