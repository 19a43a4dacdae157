-- C-122: intervals: numeric; hstore: map
-- relay: DIPTYCH_CHANGE_INTERVALS=numeric
-- relay: DIPTYCH_CHANGE_HSTORE=map
-- connector: interval.handling.mode=numeric
-- connector: hstore.handling.mode=map
create schema s1;
create extension hstore with schema s1;
create table s1.t (pk serial primary key, iv interval not null, iy interval year to month, h s1.hstore);
insert into s1.t (iv, iy, h) values ('1 year 2 mons 3 days 04:05:06.78', '3 years 2 mons', 'a=>1'), ('-1 day +00:00:00.000001', null, 'a=>NULL, b=>"x \" y"'), ('0', '0', '');
delete from s1.t where pk = 1;
