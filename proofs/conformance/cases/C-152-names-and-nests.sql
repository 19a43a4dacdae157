-- C-152: columns named like what JavaScript and the envelope know, schemas with dots and spaces, types within types
create table w ("__proto__" int, "constructor" text, "toJSON" text, "before" int, "after" int, "op" text, "source" text, "a""b" text, "line
break" text, "tab	t" int, "ž😀\" text, "%s" int, "$1" int, "schema" int, "payload" int, primary key ("constructor", "__proto__"));
insert into w values (1, 'c', 't', 2, 3, 'u', 's', 'q', 'l', 4, 'e', 5, 6, 7, 8);
update w set "toJSON" = null, "ž😀\" = E'\x01\x1f\x7f\u2028\u2029\\"';
update w set "__proto__" = 2;
delete from w;
create schema "a.b";
create schema "A B";
create table "a.b"."c.d" (id int primary key, v text);
create table "A B"."T ab/le" (id int primary key, v text[]);
insert into "a.b"."c.d" values (1, 'x');
insert into "A B"."T ab/le" values (1, array['a,b', '"', '\', null, 'NULL', '', '{}', ' sp ']), (2, '{{a,b},{c,d}}'), (3, '[2:3]={x,y}'), (4, '{}');
create type inner_t as (a int[], b text, c numeric(6,2)[]);
create type outer_t as (i inner_t, l inner_t[], d date);
create domain dom_arr as int[] check (cardinality(value) < 9);
create domain dom_comp as inner_t;
create table n (id int primary key, o outer_t, oa outer_t[], da dom_arr, daa dom_arr[], dc dom_comp, r int4multirange, ra tstzrange[], b bit(3)[], by bytea[], j json[], jb jsonb[], i interval[], ts timestamptz[], n numeric[], m money[], u uuid[], bo bool[], f float8[], x xml);
insert into n values (1, row(row(array[1,null], 'x,"y"\', array[1.5,2])::inner_t, array[row(null, '', null)::inner_t, null], '2026-02-28')::outer_t,
 array[row(null,null,null)::outer_t, null], '{1,2}', array['{3}'::dom_arr], row('{}', '()', '{}')::inner_t, '{[1,3),[5,7)}', array['[2026-01-01,)'::tstzrange, 'empty'],
 '{101,010}', array['\x00'::bytea, '\xff'], array['{"a" : 1}'::json, 'null'], array['{"a": "\u0041"}'::jsonb], array['1 day'::interval, '-1 mon'], '{infinity,-infinity,2026-01-01 00:00:00+02}',
 '{NaN,1.10,-0.0,1e30}', '{1.5,-2}', array['00000000-0000-0000-0000-000000000001'::uuid], '{t,f,null}', '{NaN,Infinity,-0,1e-300}', '<a b="1">x</a>');
insert into n (id) values (2);
update n set oa = null, x = null where id = 1;
update n set o.d = 'infinity' where id = 1;
delete from n;
alter table n replica identity full;
insert into n (id, da, jb) values (3, '{}', '{}');
update n set da = null; delete from n;
