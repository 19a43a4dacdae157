-- C-50: pgvector
-- extension: vector
create schema s1;
create extension vector with schema s1;
create table s1.t (pk serial primary key, v s1.vector(3), h s1.halfvec(3), s s1.sparsevec(3000), any_v s1.vector, vs s1.vector[]);
insert into s1.t (v, h, s) values ('[1,2,3]', '[101,102,103]', '{1:201,9:209}/3000');
insert into s1.t (v, h, any_v, vs) values ('[-1.5,2.25e-7,3e10]', '[0.5,-0,6e-5]', '[1]', array['[1,2]', null]::s1.vector[]);
insert into s1.t (s) values ('{}/3000');
insert into s1.t default values;
