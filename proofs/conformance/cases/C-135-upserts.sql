-- C-135: MERGE, INSERT … ON CONFLICT, many rows in one statement, a row changed over and over in one transaction
create schema s1;
create table s1.stock (sku text primary key, qty int not null, seen timestamptz default '2026-01-31 00:00Z');
insert into s1.stock values ('a', 1), ('b', 2), ('c', 3);
insert into s1.stock values ('b', 20), ('d', 4) on conflict (sku) do update set qty = excluded.qty + s1.stock.qty;
insert into s1.stock values ('a', 100) on conflict do nothing;
merge into s1.stock as s using (values ('a', 5), ('c', -3), ('e', 7)) as v (sku, delta) on s.sku = v.sku
  when matched and s.qty + v.delta = 0 then delete
  when matched then update set qty = s.qty + v.delta
  when not matched then insert (sku, qty) values (v.sku, v.delta);
begin;
update s1.stock set qty = qty + 1 where sku = 'a';
update s1.stock set qty = qty + 1 where sku = 'a';
update s1.stock set sku = 'z' where sku = 'a';
update s1.stock set sku = 'a' where sku = 'z';
delete from s1.stock where sku = 'a';
insert into s1.stock values ('a', 0);
savepoint one;
update s1.stock set qty = -1;
savepoint two;
delete from s1.stock;
rollback to two;
insert into s1.stock values ('f', 6);
rollback to one;
insert into s1.stock values ('g', 7);
release one;
commit;
update s1.stock set sku = case sku when 'd' then 'dd' else sku end;
insert into s1.stock select 'n' || n, n from generate_series(1, 500) n;
update s1.stock set qty = qty where sku = 'n1';
