-- C-52: names that quote, and columns called like the envelope's fields
create schema "S 1";
create table "S 1"."T ""q"" ž" (pk int primary key, "a ""b""" text, "op" text, "before" text, "back\slash" text, "ünï" text);
insert into "S 1"."T ""q"" ž" values (1, 'a', 'b', 'c', 'd', 'e');
delete from "S 1"."T ""q"" ž";
