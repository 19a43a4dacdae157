-- C-34: NaN and the infinities of numeric
-- ours refuses[debezium]: value-not-representable
create schema s1;
create table s1.t (pk serial primary key, d decimal(3,2), nvs numeric);
insert into s1.t (d, nvs) values ('NaN', 'NaN');
insert into s1.t (nvs) values ('Infinity');
insert into s1.t (nvs) values ('-Infinity');
