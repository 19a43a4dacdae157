-- C-49: PostGIS
-- extension: postgis
create schema s1;
create extension postgis with schema s1;
create table s1.t (pk serial primary key, p s1.geometry, g s1.geography);
insert into s1.t (p, g) values ('SRID=3187;POINT(174.9479 -36.7208)', 'MULTILINESTRING((169.1321 -44.7032, 167.8974 -44.6414))');
insert into s1.t default values;
