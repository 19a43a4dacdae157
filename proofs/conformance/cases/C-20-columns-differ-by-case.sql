-- C-20: columns that differ only by case are two columns
-- reference fails: its connector ends at the first Relation message
-- expect s1.t: {"key":{"id":1},"op":"c","after":{"id":1,"val":"a","Val":"b","VAL":"c"}}
create schema s1;
create table s1.t (id int primary key, val text, "Val" text, "VAL" text);
insert into s1.t values (1, 'a', 'b', 'c');
