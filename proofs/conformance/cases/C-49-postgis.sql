-- C-49: PostGIS
-- extension: postgis
create schema s1;
create schema postgis;
create extension postgis with schema postgis;
-- begin
create table s1.t (pk serial primary key, p postgis.geometry, g postgis.geography, typed postgis.geometry(PointZ, 4326), ps postgis.geometry[]);
insert into s1.t (p, g) values ('SRID=3187;POINT(174.9479 -36.7208)', 'MULTILINESTRING((169.1321 -44.7032, 167.8974 -44.6414))');
insert into s1.t (p, typed, ps) values ('GEOMETRYCOLLECTION EMPTY', 'SRID=4326;POINT Z (1 2 3)', array['GEOMETRYCOLLECTION EMPTY', 'POINT(1 2)', null]::postgis.geometry[]);
insert into s1.t default values;
update s1.t set p = 'POLYGON((0 0, 1 0, 1 1, 0 0))' where pk = 3;
delete from s1.t where pk = 1;
