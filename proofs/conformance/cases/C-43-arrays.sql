-- C-43: arrays of the built-in types
create schema s1;
create table s1.t (pk serial primary key, ia int[], bia bigint[], ta text[], ca char(10)[], vca varchar(10)[], da date[],
  na numeric(10,2)[], nva numeric[], ba boolean[], ra real[], dpa double precision[], ua uuid[], ja json[], jba jsonb[]);
insert into s1.t (ia, bia, ta, ca, vca, da, na, nva, ba, ra, dpa, ua, ja, jba) values
  ('{1,2,3}', '{1550166368505037572}', '{one,two,three}', '{cone,ctwo}', '{vcone,"vc,two"}', '{2016-11-04,2016-11-05}',
   '{1.2,3.4,5.6}', '{1.1,22.22,333.333}', '{t,f,NULL}', '{1.5,NaN}', '{1.5,Infinity}',
   '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', array['{"a": 1}', '[2]']::json[], array['{"a": 1}', 'null']::jsonb[]);
insert into s1.t (ia, ta) values ('{}', '{}');
insert into s1.t (ia, ta) values ('{NULL,1}', array[null, 'NULL', '', ' ', 'a"b', 'c\d', '{}', 'ž😀']);
insert into s1.t default values;
