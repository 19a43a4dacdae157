-- C-47: hstore
-- extension: hstore
create schema s1;
create extension hstore with schema s1;
create table s1.t (pk serial primary key, h s1.hstore, ha s1.hstore[]);
insert into s1.t (h, ha) values ('key1 => val1, key2 => NULL, "odd key" => "odd \" value"', array['a=>1']::s1.hstore[]);
insert into s1.t (h) values ('');
insert into s1.t default values;
