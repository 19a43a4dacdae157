-- C-45: domains and composites
create schema s1;
create domain s1.posint as int check (value > 0);
create domain s1.price as numeric(10,2);
create domain s1.names as text[];
create type s1.pair as (a int, b text);
create table s1.t (pk serial primary key, p s1.posint, pr s1.price, n s1.names, c s1.pair, ca s1.pair[]);
insert into s1.t (p, pr, n, c, ca) values (7, 1.5, '{a,b}', (1, 'x "y"'), array[(1, 'a'), (2, null)]::s1.pair[]);
insert into s1.t default values;
