-- C-146: rows that move between partitions by key and by other columns, below each other, of other column orders, and cascades to them
create schema s1;
create table s1.root (region text, id int, v text, n numeric, primary key (region, id)) partition by list (region);
create table s1.eu partition of s1.root for values in ('eu') partition by hash (id);
create table s1.eu_0 partition of s1.eu for values with (modulus 2, remainder 0);
create table s1.eu_1 partition of s1.eu for values with (modulus 2, remainder 1);
create table s1.us (n numeric, extra text, v text, id int not null, region text not null);
alter table s1.us drop column extra;
alter table s1.root attach partition s1.us for values in ('us');
create table s1.others partition of s1.root default;
create table s1.child (pk int primary key, region text, id int, foreign key (region, id) references s1.root on update cascade on delete cascade);
insert into s1.root select r, n, r || n, n / 10.0 from generate_series(1, 6) n, unnest(array['eu', 'us', 'asia']) r;
insert into s1.child values (1, 'eu', 1), (2, 'us', 2), (3, 'asia', 3);
update s1.root set region = 'us', id = 40 where region = 'asia' and id = 4 returning tableoid::regclass;
-- may fail
update s1.root set region = 'us', id = id + 100 where region = 'eu' and id in (1, 2);
update s1.root set id = id + 50, v = 'moved' where region = 'eu' and id > 2;
-- wait
alter table s1.root replica identity full;
alter table s1.us replica identity full;
alter table s1.eu_0 replica identity full;
update s1.root set region = 'eu' where region = 'us' and id > 2;
update s1.root set v = null;
delete from s1.root where id % 2 = 1;
insert into s1.root values ('us', 7, 'x', 1) on conflict (region, id) do update set v = excluded.v;
-- wait
alter table s1.root add column added date default '2026-01-31';
update s1.root set added = null where id = 2;
-- wait
alter table s1.root detach partition s1.others;
insert into s1.others (region, id, v, n) values ('asia', 99, 'alone', 0);
truncate s1.root cascade;
insert into s1.root (region, id) values ('us', 1), ('eu', 1), ('eu', 2);
