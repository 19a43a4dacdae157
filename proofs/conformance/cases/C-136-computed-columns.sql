-- C-136: generated columns, identities, defaults, arrays and nulls in every place
create schema s1;
create table s1.g (id bigint generated always as identity primary key, price numeric(10,2), tax numeric generated always as (price * 0.2) stored,
  note text default 'none', tags text[] default '{}', at timestamptz default now());
insert into s1.g (price) values (10), (null), (0.05);
insert into s1.g (price, tags) values (1, array['a,b', 'c"d', null, 'NULL', '']);
update s1.g set price = price * 3 where id = 1;
update s1.g set note = null, tags = null;
delete from s1.g where id = 2;
