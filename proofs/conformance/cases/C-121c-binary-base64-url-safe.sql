-- C-121: bytes: base64-url-safe
-- relay: DIPTYCH_CHANGE_BINARY=base64-url-safe
-- relay: DIPTYCH_CHANGE_MESSAGES=true
-- connector: binary.handling.mode=base64-url-safe
create schema s1;
create table s1.t (pk serial primary key, b bytea, ab bytea[]);
insert into s1.t (b) values ('\x000102'), ('\xfbffbe'), (''), (null);
insert into s1.t (ab) values ('{"\\x00ff",NULL}');
select pg_logical_emit_message(true, 'foo', '\xfbffbe'::bytea);
