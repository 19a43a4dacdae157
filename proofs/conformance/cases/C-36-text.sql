-- C-36: texts and bytes
create schema s1;
create table s1.t (pk serial primary key, c char(5), vc varchar(10), t text, b bytea, n name, ch "char");
insert into s1.t (c, vc, t, b, n, ch) values ('žš', 'bb', 'cdef', '\000\001\002', 'a name', 'x');
insert into s1.t (c, vc, t, b) values ('', '', '', '');
insert into s1.t (t, b) values (E'quote " back \\ tab \t newline \n bell \x07 del \x7f emoji 😀', '\xdeadbeef00ff');
insert into s1.t (t) values (E'\u2028\u2029 <script>&');
insert into s1.t default values;
