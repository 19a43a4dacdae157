-- C-126: types that the reference does not know, as bytes
-- relay: DIPTYCH_CHANGE_UNKNOWN_TYPES=bytes
-- connector: include.unknown.datatypes=true
create schema s1;
create table s1.t (pk serial primary key, q tsquery, l pg_lsn, j jsonpath);
insert into s1.t (q, l, j) values ('fat & rat', '16/B374D848', '$.a'), (null, null, null);
