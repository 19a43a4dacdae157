-- C-43: arrays of more than one dimension and with bounds of their own
create schema s1;
create table s1.t (pk serial primary key, ia int[], ta text[][]);
insert into s1.t (ia) values ('{{1,2},{3,4}}');
insert into s1.t (ta) values ('{{a,"b,c"},{NULL,"d"}}');
insert into s1.t (ia) values ('[0:1]={7,8}');
