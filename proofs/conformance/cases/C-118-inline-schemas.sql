-- C-118: records carry their schemas, those of Connect
-- needs: change.schemas
-- relay: DIPTYCH_CHANGE_SCHEMAS=inline
-- connector: key.converter=org.apache.kafka.connect.json.JsonConverter
-- connector: key.converter.schemas.enable=true
-- connector: value.converter=org.apache.kafka.connect.json.JsonConverter
-- connector: value.converter.schemas.enable=true
-- connector: header.converter.schemas.enable=true
create schema s1;
create type s1.mood as enum ('sad', 'ok');
create domain s1.price as numeric(10,2);
create table s1.n (pk serial primary key, si smallint not null, i int default 7, bi bigint, r real, dp double precision, b boolean not null default true,
  n numeric, n2 numeric(12,3), m money, o oid, p s1.price);
insert into s1.n (si, i, bi, r, dp, n, n2, m, o, p) values (1, 2, 3, 1.5, 2.5, 1.25, 1.125, 12.34, 5, 1.50);
update s1.n set i = null;
create table s1.t (id uuid primary key, t text not null default 'x', v varchar(10), c char(4), bt bytea, j json, jb jsonb, x xml, e s1.mood, b1 bit(1),
  b4 bit(4), vb bit varying(9), i inet, m macaddr);
insert into s1.t values ('59a42efd-b015-44a9-9dde-cb36d9002425', 't', 'v', 'c', '\x01', '{}', '{}', '<a/>', 'ok', B'1', B'0101', B'011', '10.0.0.1', '08:00:2b:01:02:03');
delete from s1.t;
create table s1.d (pk int, k text, d date not null, ti time, ti3 time(3), tz timetz, ts timestamp, ts3 timestamp(3), tstz timestamptz default now(), iv interval,
  primary key (pk, k));
insert into s1.d values (1, 'k', '2020-01-01', '10:00', '10:00', '10:00+01', '2020-01-01 10:00', '2020-01-01 10:00', '2020-01-01 10:00Z', '1 day');
update s1.d set pk = 2;
create table s1.a (pk int primary key, ia int[], ta text[], na numeric(6,2)[], da date[], pt point, r int4range, pg polygon);
insert into s1.a values (1, '{1,null}', '{a}', '{1.50}', '{2020-01-01}', '(1,2)', '[1,3)', '((0,0),(1,0),(1,1))');
truncate s1.a;
