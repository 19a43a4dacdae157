-- C-133: partitions that are attached, detached, made and left by rows, two levels of them, and TRUNCATE of the root
create schema s1;
create table s1.p (d date, id int, v text, primary key (d, id)) partition by range (d);
create table s1.p_a partition of s1.p for values from ('2026-01-01') to ('2026-02-01');
create table s1.p_b partition of s1.p for values from ('2026-02-01') to ('2026-03-01') partition by list (id);
create table s1.p_b_1 partition of s1.p_b for values in (1);
create table s1.p_b_rest partition of s1.p_b default;
insert into s1.p values ('2026-01-10', 1, 'a'), ('2026-02-10', 1, 'b'), ('2026-02-11', 2, 'c');
update s1.p set id = 2 where v = 'b';
update s1.p set d = '2026-01-20' where v = 'c';
update s1.p set v = v || '!';
create table s1.p_c (d date not null, id int not null, v text, primary key (d, id));
insert into s1.p_c values ('2026-03-05', 7, 'before it was one');
-- wait
alter table s1.p attach partition s1.p_c for values from ('2026-03-01') to ('2026-04-01');
insert into s1.p values ('2026-03-06', 8, 'through the root');
-- wait
alter table s1.p detach partition s1.p_a;
insert into s1.p_a values ('2026-01-30', 9, 'on its own');
delete from s1.p where id = 7;
truncate s1.p;
insert into s1.p values ('2026-02-28', 1, 'after');
