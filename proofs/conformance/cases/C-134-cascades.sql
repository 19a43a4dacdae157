-- C-134: what one statement does to many rows: cascades, also within a table, triggers, rules of foreign keys
create schema s1;
create table s1.tree (id int primary key, parent int references s1.tree on delete cascade on update cascade, v text);
create table s1.leaf (id uuid primary key, tree int references s1.tree on delete set null on update cascade);
create function s1.touch() returns trigger language plpgsql as $body$ begin new.v := coalesce(new.v, '') || '+'; return new; end $body$;
create trigger touch before insert or update on s1.tree for each row execute function s1.touch();
insert into s1.tree values (1, null, 'root'), (2, 1, 'a'), (3, 1, 'b'), (4, 2, 'aa'), (5, 4, 'aaa'), (6, 3, 'ba');
insert into s1.leaf values ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 5), ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12', 6), ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a13', null);
update s1.tree set id = 20 where id = 2;
delete from s1.tree where id in (20, 6);
delete from s1.tree where id = 1;
create table s1.parent (pk int primary key);
create table s1.child (pk int primary key, parent int references s1.parent);
insert into s1.parent values (1), (2);
insert into s1.child values (1, 1), (2, 2);
truncate s1.parent cascade;
insert into s1.parent values (3);
with gone as (delete from s1.parent returning pk), made as (insert into s1.child select pk, null from gone returning pk)
  insert into s1.parent select pk + 10 from made;
