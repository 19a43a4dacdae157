-- C-13: key columns by choice
-- needs: change.keyColumns
-- relay: DIPTYCH_CHANGE_KEY_COLUMNS=*1.a.pk,*1.a.aa
-- connector: message.key.columns=(.*)1.a:pk,aa
-- expect s1.a: {"key":{"pk":1,"aa":5},"op":"c"}
-- expect s2.a: {"key":{"pk":1},"op":"c"}
create schema s1;
create schema s2;
create table s1.a (pk serial primary key, aa int);
create table s2.a (pk serial primary key, aa int);
-- begin
insert into s1.a (aa) values (5);
insert into s2.a (aa) values (6);
