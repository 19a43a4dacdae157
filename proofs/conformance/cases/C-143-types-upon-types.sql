-- C-143: domains over arrays over composites over domains, ranges with infinity, types that are called as others are
create schema s1;
create domain s1.posint as int check (value > 0);
create type s1.pair as (a s1.posint, b text, "C d" timestamptz);
create type s1.nest as (p s1.pair, ps s1.pair[], r int4range);
create domain s1.pairs as s1.pair[];
create domain s1.deep as s1.pairs;
create type s1.date as enum ('today');
create domain s1.timestamp as numeric(6,2);
create type s1.floatrange as range (subtype = float8);
create table s1.t (pk int primary key, p s1.pair, ps s1.pair[], d s1.pairs, dd s1.deep, n s1.nest, e s1.date, m s1.timestamp, ms s1.timestamp[], fr s1.floatrange, x text);
insert into s1.t values (1, (1, 'a,"b"', '2026-01-31Z'), array[(1, null, null), (2, '()', 'infinity')]::s1.pair[], array[(3, '', null)]::s1.pair[],
  array[(4, '{}', null)]::s1.pair[], row(row(1, '\', null), array[row(2, 'x', null)]::s1.pair[], '[1,5)'), 'today', 12.5, '{1.1,NULL}', '[1.5,Infinity]', 'x');
insert into s1.t (pk) values (2);
update s1.t set p.b = 'changed', x = 'y' where pk = 1;
alter type s1.pair add attribute e bool;
update s1.t set p = (5, 'five', null, true) where pk = 2;
delete from s1.t where pk = 1;
create table s1.r (pk int primary key, ts tsrange, tz tstzrange, d daterange, tsm tsmultirange, tza tstzrange[], n numrange, i interval[], box box[], lseg lseg[], bits bit(3)[], vb varbit[], mo money[], x xml[], tsv tsvector[], c "char"[], nm name[], l pg_lsn[]);
insert into s1.r values (1, '[-infinity,infinity]', '(,infinity)', '[-infinity,2026-01-31]', '{[-infinity,2020-01-01),[2026-01-01,infinity)}', array['[2026-01-01 00:00Z,)', 'empty', null]::tstzrange[],
  '[-Infinity,NaN]', array['1 day', null, '-1 mon']::interval[], array['((1,2),(3,4))', null]::box[], array['[(1,2),(3,4)]']::lseg[], array[B'101', null]::bit(3)[], array[B'', B'1']::varbit[],
  array[12.34, -1]::money[], array['<a/>']::xml[], array['a b']::tsvector[], array['x', null]::"char"[], array['n"1', '']::name[], array['0/1']::pg_lsn[]);
insert into s1.r (pk, ts, tz, d, n) values (2, '(0044-03-15 BC,)', '[294276-12-31 23:59:59.999999Z,]', '(5874897-12-30,)', '(,)');
update s1.r set pk = 3 where pk = 2;
delete from s1.r where pk = 1;
