-- C-95: no transaction stays open after a snapshot
-- snapshot mode: initial
create schema s1;
create table s1.a (pk int primary key);
insert into s1.a select generate_series(1, 300);
-- begin
insert into s1.a values (301);
-- wait
-- until: select count(*) = 0 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and (backend_xmin is not null or xact_start is not null) and backend_type = 'client backend'
-- snapshot: s1.a
-- snapshot done
-- until: select count(*) = 0 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and (backend_xmin is not null or xact_start is not null) and backend_type = 'client backend'
