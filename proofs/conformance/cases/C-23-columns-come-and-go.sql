-- C-23: columns are added, renamed, dropped and change their type between changes
-- expect s1.t: {"op":"c","after":{"pk":1,"text":"a"}}
-- expect s1.t: {"op":"u","before":{"pk":1,"text":"a","uvc":null},"after":{"pk":1,"text":"a","uvc":"aa"}}
-- expect s1.t: {"op":"u","before":{"pk":1,"text":"a","xvc":"aa"},"after":{"pk":1,"text":"a","xvc":"bb"}}
-- expect s1.t: {"op":"u","before":{"pk":1,"text":"a"},"after":{"pk":1,"text":"b"}}
-- expect s1.t: {"op":"c","after":{"pk":2,"text":"c","modtype":1}}
-- expect s1.t: {"op":"u","before":{"pk":2,"text":"c","modtype":1},"after":{"pk":2,"text":"c","modtype":2}}
create schema s1;
create table s1.t (pk serial primary key, text text);
alter table s1.t replica identity full;
insert into s1.t (text) values ('a');
alter table s1.t add uvc varchar(2);
update s1.t set uvc = 'aa' where pk = 1;
alter table s1.t rename uvc to xvc;
update s1.t set xvc = 'bb' where pk = 1;
alter table s1.t drop xvc;
update s1.t set text = 'b' where pk = 1;
alter table s1.t add modtype int;
insert into s1.t (text, modtype) values ('c', 1);
alter table s1.t alter modtype type smallint;
update s1.t set modtype = 2 where pk = 2;
