-- C-50: types with the names and the texts of pgvector's, made by hand where the extension is not there
create schema s1;
create type s1.vector;
create function s1.vector_in(cstring) returns s1.vector language internal immutable strict as 'textin';
create function s1.vector_out(s1.vector) returns cstring language internal immutable strict as 'textout';
create type s1.vector (input = s1.vector_in, output = s1.vector_out, like = text);
create type s1.halfvec;
create function s1.halfvec_in(cstring) returns s1.halfvec language internal immutable strict as 'textin';
create function s1.halfvec_out(s1.halfvec) returns cstring language internal immutable strict as 'textout';
create type s1.halfvec (input = s1.halfvec_in, output = s1.halfvec_out, like = text);
create type s1.sparsevec;
create function s1.sparsevec_in(cstring) returns s1.sparsevec language internal immutable strict as 'textin';
create function s1.sparsevec_out(s1.sparsevec) returns cstring language internal immutable strict as 'textout';
create type s1.sparsevec (input = s1.sparsevec_in, output = s1.sparsevec_out, like = text);
create table s1.t (pk serial primary key, v s1.vector, h s1.halfvec, s s1.sparsevec);
insert into s1.t (v, h, s) values ('[1,2,3]', '[101,102,103]', '{1:201,9:209}/3000');
insert into s1.t (v, h, s) values ('[-1.5,2.25,3]', '[0.5]', '{}/5');
insert into s1.t default values;
