-- C-41: json, jsonb, xml, uuid
create schema s1;
create table s1.t (pk serial primary key, j json, jb jsonb, x xml, u uuid);
insert into s1.t (j, jb, x, u) values ('{"bar": "baz"}', '{"bar": "baz"}', '<foo>bar</foo><bar>foo</bar>', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11');
insert into s1.t (j, jb) values ('{"b": 1,  "a": 12345678901234567890.10, "a": 2}', '{"b": 1,  "a": 12345678901234567890.10}');
insert into s1.t (j, jb) values ('null', 'null');
insert into s1.t (j, jb) values ('[1, "ž", {"x": "\u00e9"}]', '[1, "ž", {"x": "\u00e9"}]');
insert into s1.t default values;
