-- C-48: points and the other geometric types
create schema s1;
create table s1.t (pk serial primary key, p point, b box, ls lseg, pa path, po polygon, c circle, l line);
insert into s1.t (p, b, ls, pa, po, c, l) values ('(1,1)', '(0,0),(1,1)', '(0,0),(0,1)', '((0,0),(0,1),(0,2))', '((0,0),(0,1),(1,0))', '((10,4),10)', '{-1,0,0}');
insert into s1.t (p) values ('(174.9479,-36.7208)');
insert into s1.t default values;
