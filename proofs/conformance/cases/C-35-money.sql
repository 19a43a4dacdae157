-- C-35: money, negative and large
create schema s1;
create table s1.t (pk serial primary key, m money, nn money not null);
alter table s1.t replica identity full;
insert into s1.t (m, nn) values ('$1234.11', 1);
insert into s1.t (m, nn) values ('($1234.11)', -1);
insert into s1.t (m, nn) values (null, 0);
insert into s1.t (m, nn) values ('-92233720368547758.08', '-92233720368547758.08');
insert into s1.t (m, nn) values ('92233720368547758.07', 0.01);
delete from s1.t where pk = 4;
