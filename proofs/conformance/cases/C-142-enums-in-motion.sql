-- C-142: enums that get labels, lose their names and their types while both stream
create schema s1;
create type s1.mood as enum ('sad', 'ok');
create domain s1.humour as s1.mood check (value <> 'sad');
create table s1.t (pk int primary key, m s1.mood default 'ok', ms s1.mood[], h s1.humour, hs s1.humour[]);
insert into s1.t values (1, 'sad', '{sad,ok,NULL}', 'ok', '{ok}');
alter type s1.mood add value 'happy, or "so"' before 'ok';
insert into s1.t values (2, 'happy, or "so"', array['happy, or "so"', 'sad']::s1.mood[], 'happy, or "so"', null);
alter type s1.mood rename value 'sad' to 'blue';
insert into s1.t values (3, 'blue', '{blue}', null, '{}');
update s1.t set m = 'blue', ms = array['blue']::s1.mood[] where pk = 1;
alter type s1.mood rename to temper;
insert into s1.t values (4, default, '{{ok,blue},{blue,ok}}', 'ok', '{ok,NULL}');
-- wait
create type s1.other as enum ('x', 'blue', 'ok', 'happy, or "so"');
alter table s1.t alter m drop default, alter m type s1.other using m::text::s1.other;
update s1.t set m = 'x' where pk = 4;
alter table s1.t replica identity full;
update s1.t set m = null where pk = 1;
delete from s1.t where pk = 2;
