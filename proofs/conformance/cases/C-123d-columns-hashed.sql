-- C-123: columns of hashes
-- relay: DIPTYCH_CHANGE_COLUMNS_HASH=s1.a.mail
-- relay: DIPTYCH_CHANGE_COLUMNS_HASH_SALT=salt
-- connector: column.mask.hash.v2.SHA-256.with.salt.salt=s1\.a\.mail
create schema s1;
create table s1.a (pk int primary key, name text, mail varchar(40), n int);
create table s1.b (pk int primary key, name text);
-- begin
insert into s1.a values (1, 'Žofie', 'zofie@example.org', 5), (2, null, null, null), (3, '', 'x', 0);
insert into s1.b values (1, 'b');
update s1.a set name = 'a name that is long', n = 6 where pk = 1;
alter table s1.a replica identity full;
update s1.a set mail = 'other@example.org' where pk = 1;
delete from s1.a where pk = 1;
