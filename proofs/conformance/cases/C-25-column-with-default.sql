-- C-25: a column that is added with a default
-- expect s1.t: {"op":"c","after":{"pk":1}}
-- expect s1.t: {"op":"c","after":{"pk":2,"default_column":"default"}}
create schema s1;
create table s1.t (pk serial primary key);
insert into s1.t default values;
alter table s1.t add default_column text default 'default';
insert into s1.t default values;
