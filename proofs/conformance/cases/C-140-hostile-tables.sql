-- C-140: names of tables and columns that JSON, JavaScript, SQL and Kafka have their own ideas of
create schema "Dot.Ted";
create schema s1;
create table s1."__proto__" ("constructor" int primary key, "__proto__" text, "toString" numeric, "hasOwnProperty" date);
insert into s1."__proto__" values (1, 'a "quoted" \ text', 1.50, '2026-01-31'), (2, null, null, null);
update s1."__proto__" set "__proto__" = 'b' where "constructor" = 1;
update s1."__proto__" set "constructor" = 3 where "constructor" = 1;
delete from s1."__proto__" where "constructor" = 2;
create table "Dot.Ted"."ta.ble" ("a.b" int primary key, "c[0]" timestamp, " " text, "d""q" time, "$e" interval, "é" text, "🐘" text[], "%s" bytea, "--" json);
insert into "Dot.Ted"."ta.ble" values (1, '2026-01-31 01:02:03.456789', 'blank', '24:00', '1 mon', 'ž', '{"{}",NULL,"\\"}', '\x00', '{"a" : 1, "a": 2}');
alter table "Dot.Ted"."ta.ble" replica identity full;
update "Dot.Ted"."ta.ble" set "a.b" = 2, "c[0]" = '-infinity';
delete from "Dot.Ted"."ta.ble";
create table s1."select" ("op" int, "before" int, "after" text, "source" jsonb, "ts_ms" bigint, "unchanged" text[], "payload" text, "schema" text, primary key ("op", "before"));
insert into s1."select" values (1, 2, 'x', '{"op": "d"}', 9007199254740993, '{after}', '{}', 'null');
update s1."select" set "before" = 3;
create table s1.a123456789012345678901234567890123456789012345678901234567890ab (pk int primary key, b123456789012345678901234567890123456789012345678901234567890ab text);
insert into s1.a123456789012345678901234567890123456789012345678901234567890ab values (1, 'the longest names that there are');
