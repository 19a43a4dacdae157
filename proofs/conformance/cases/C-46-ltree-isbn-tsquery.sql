-- C-46: types of extensions, and such as the reference does not know
-- extension: ltree
-- extension: isn
create schema s1;
create extension ltree with schema s1;
create extension isn with schema s1;
create table s1.t (pk serial primary key, l s1.ltree, la s1.ltree[], i s1.isbn, q tsquery, v tsvector, lsn pg_lsn, x8 xid8);
insert into s1.t (l, la, i, q, v, lsn, x8) values ('Top.Collections.Pictures.Astronomy.Galaxies', '{Ship.Frigate,Ship.Destroyer}',
  '0-393-04002-X', 'fat & rat', 'a fat cat', '16/B374D848', '4294967297');
insert into s1.t default values;
