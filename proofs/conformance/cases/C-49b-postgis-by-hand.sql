-- C-49: types with the names and the texts of PostGIS's, made by hand where the extension is not there
create schema s1;
create type s1.geometry;
create function s1.geometry_in(cstring) returns s1.geometry language internal immutable strict as 'textin';
create function s1.geometry_out(s1.geometry) returns cstring language internal immutable strict as 'textout';
create type s1.geometry (input = s1.geometry_in, output = s1.geometry_out, like = text);
create type s1.geography;
create function s1.geography_in(cstring) returns s1.geography language internal immutable strict as 'textin';
create function s1.geography_out(s1.geography) returns cstring language internal immutable strict as 'textout';
create type s1.geography (input = s1.geography_in, output = s1.geography_out, like = text);
create table s1.t (pk serial primary key, p s1.geometry, g s1.geography);
insert into s1.t (p, g) values ('0101000020730C00001C7C613255DE6540787AA52C435C42C0', '0105000020E610000001000000010200000002000000A779C7293A2465400B462575025A46C0C66D3480B7FC6440C3D32B65195246C0');
insert into s1.t (p) values ('0107000000000000000000');
insert into s1.t default values;
