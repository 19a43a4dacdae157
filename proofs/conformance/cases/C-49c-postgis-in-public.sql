-- C-49: PostGIS in the schema public
-- extension: postgis
create schema s1;
create extension postgis;
-- begin
create table s1.t (pk serial primary key, p geometry, g geography(Point));
insert into s1.t (p, g) values ('SRID=3187;POINT(174.9479 -36.7208)', 'POINT(169.1321 -44.7032)');
insert into s1.t default values;
