-- C-40: infinite intervals (PostgreSQL 17 and newer)
create schema s1;
create table s1.t (pk serial primary key, iv interval);
insert into s1.t (iv) values ('infinity');
insert into s1.t (iv) values ('-infinity');
insert into s1.t (iv) values ('1 day');
