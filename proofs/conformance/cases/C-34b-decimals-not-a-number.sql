-- C-34: NaN and the infinities of numeric; where they have no form they are set aside, and the others come
create schema s1;
create table s1.t (pk serial primary key, d decimal(3,2), nvs numeric);
insert into s1.t (d, nvs) values ('NaN', 'NaN');
insert into s1.t (nvs) values ('Infinity');
insert into s1.t (nvs) values ('-Infinity');
insert into s1.t (d, nvs) values (1.5, 2.50);
