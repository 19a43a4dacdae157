-- C-54: a TOASTed value that did not change is never null
create schema s1;
create table s1.t (id int primary key, not_toast int, text text, json jsonb, bin bytea, arr int[], nothing text);
insert into s1.t select 1, 1, string_agg(md5(i::text), ''), jsonb_build_object('a', string_agg(md5((i + 1000)::text), '')),
  convert_to(string_agg(md5((i + 2000)::text), ''), 'UTF8'), array_agg(hashint4(i)), null from generate_series(1, 1000) i;
update s1.t set not_toast = 2;
update s1.t set text = null;
update s1.t set not_toast = 3;
update s1.t set text = 'short', not_toast = 4;
delete from s1.t;
