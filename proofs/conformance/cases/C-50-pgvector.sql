-- C-50: pgvector
-- extension: vector
create schema s1;
create extension vector with schema s1;
create table s1.t (pk serial primary key, v s1.vector(3), h s1.halfvec(3), s s1.sparsevec(3000));
insert into s1.t (v, h, s) values ('[1,2,3]', '[101,102,103]', '{1:201,9:209}/3000');
insert into s1.t default values;
