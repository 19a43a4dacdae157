-- C-44: enums and arrays of them, with labels that come while both stream
create schema s1;
create type s1.mood as enum ('V1', 'V2');
create table s1.t (pk serial primary key, e s1.mood, ea s1.mood[]);
alter table s1.t replica identity full;
insert into s1.t (e, ea) values ('V1', '{V1,V2}');
update s1.t set ea = '{V1}';
alter type s1.mood add value 'V 3, "odd"';
insert into s1.t (e, ea) values ('V 3, "odd"', array['V 3, "odd"', 'V2', null]::s1.mood[]);
delete from s1.t where pk = 1;
