-- C-145: savepoints, subtransactions in functions, procedures that commit, two phases, cursors, deferred keys, locks and messages
create schema s1;
create table s1.a (pk int primary key, v text);
create table s1.b (pk int primary key, a int references s1.a deferrable initially deferred, v text);
begin;
insert into s1.b values (1, 1, 'before its parent');
savepoint one;
insert into s1.a values (1, 'parent');
savepoint two;
update s1.a set v = 'gone';
rollback to two;
select pg_logical_emit_message(true, 'note', 'kept');
savepoint three;
select pg_logical_emit_message(true, 'note', 'rolled back');
insert into s1.a values (7, 'gone too');
rollback to three;
release one;
insert into s1.a values (2, 'second');
commit;
create function s1.try(n int) returns void language plpgsql as $body$
begin
  for i in 1..n loop
    begin
      insert into s1.a values (i, 'tried ' || i);
    exception when unique_violation then
      update s1.a set v = v || '!' where pk = i;
    end;
  end loop;
end $body$;
select s1.try(5);
create procedure s1.batches() language plpgsql as $body$
begin
  for i in 10..15 loop
    insert into s1.a values (i, 'of a procedure');
    if i % 2 = 0 then commit; else rollback; end if;
  end loop;
end $body$;
call s1.batches();
begin;
insert into s1.a values (20, 'prepared');
update s1.a set pk = 21 where pk = 20;
prepare transaction 'C-145';
insert into s1.a values (22, 'meanwhile');
-- wait
-- restart
commit prepared 'C-145';
begin;
insert into s1.a values (23, 'never');
prepare transaction 'C-145 no';
rollback prepared 'C-145 no';
-- as one
begin isolation level serializable;
insert into s1.a values (30, 'one');
-- as two
begin;
insert into s1.a values (31, 'two');
update s1.a set v = 'by two' where pk = 1;
-- as one
update s1.a set v = 'by one' where pk = 2;
commit;
-- as two
commit;
-- as main
begin;
declare c cursor for select pk from s1.a order by pk for update;
fetch 2 from c;
update s1.a set v = 'where current of' where current of c;
delete from s1.a where pk = 31;
commit;
update s1.a set v = v;
select pg_logical_emit_message(false, 'alone', 'outside');
begin;
select pg_logical_emit_message(true, 'alone', 'nothing but it');
commit;
begin;
select pg_logical_emit_message(false, 'alone', 'although rolled back');
rollback;
truncate s1.a, s1.b;
insert into s1.a values (40, 'after');
