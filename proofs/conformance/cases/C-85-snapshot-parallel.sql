-- C-85: what is written while both begin is read or streamed, never neither, never both
-- fold alone: where the stream begins is each side's own
-- snapshot mode: initial
-- snapshot tables: s1.a
create schema s1;
create table s1.a (pk serial primary key, aa int);
create table s1.ended (pk int primary key);
create procedure s1.write() language plpgsql as $body$ begin
  loop
    insert into s1.a (aa) values (1);
    commit;
    update s1.a set aa = aa + 1 where pk = (select max(pk) / 2 from s1.a);
    commit;
    delete from s1.a where pk = (select max(pk) - 20 from s1.a);
    commit;
    exit when exists (select from s1.ended);
    perform pg_sleep(0.02);
  end loop;
end $body$;
insert into s1.a (aa) values (0), (0), (0), (0);
-- as open
begin;
select count(*) from s1.a;
-- as writer
-- meanwhile
call s1.write();
-- begin
-- as open
insert into s1.a (aa) values (100);
commit;
-- as main
insert into s1.ended values (1);
