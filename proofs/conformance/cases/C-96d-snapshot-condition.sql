-- C-96: with a condition only what meets it is read, and the stream brings the rest
create schema s1;
create table s1.a (pk int primary key, aa text);
insert into s1.a select n, 'row ' || n from generate_series(1, 400) n;
-- begin
-- snapshot: s1.a where pk > 150 and pk <= 380
-- snapshot done
update s1.a set aa = 'changed' where pk in (1, 200);
