-- The database's own account: what each row change of a user's table was, as text, written in the statement's own
-- transaction by a trigger that every table gets when it is made. Unlogged tables have no WAL, so neither side sees it.
create schema conformance;
create table conformance.marker (id bigint primary key);
create unlogged table conformance.noted (
  place bigint generated always as identity,
  xid bigint not null,
  operation text not null,
  relation oid not null,
  schema_name text not null,
  table_name text not null,
  columns text[],
  types text[],
  before text[],
  after text[]
);

create function conformance.note() returns trigger language plpgsql security definer
  set datestyle = 'ISO' set intervalstyle = 'postgres' set bytea_output = 'hex' set extra_float_digits = 1
  set timezone = 'UTC' set search_path = pg_catalog
as $body$
declare
  names text[];
  types text[];
  list text;
  before text[];
  after text[];
begin
  -- A partition has its root's trigger besides its own: one account is enough.
  if tg_name not in ('!oracle_' || tg_relid, '!oracle_' || tg_relid || '_t') then
    return null;
  end if;
  select coalesce(array_agg(attname::text order by attnum), '{}'),
    coalesce(array_agg(format_type(atttypid, atttypmod) order by attnum), '{}'),
    coalesce(string_agg(format('($1).%I::text', attname), ',' order by attnum), '')
  into names, types, list
  from pg_attribute where attrelid = tg_relid and attnum > 0 and not attisdropped and attgenerated = '';
  if tg_op in ('UPDATE', 'DELETE') then
    execute format('select array[%s]::text[]', list) into before using old;
  end if;
  if tg_op in ('INSERT', 'UPDATE') then
    execute format('select array[%s]::text[]', list) into after using new;
  end if;
  insert into conformance.noted (xid, operation, relation, schema_name, table_name, columns, types, before, after)
  values (mod(pg_current_xact_id()::text::numeric, 4294967296)::bigint, tg_op, tg_relid, tg_table_schema,
    tg_table_name, names, types, before, after);
  return null;
end
$body$;

create function conformance.watch() returns event_trigger language plpgsql security definer
  set search_path = pg_catalog
as $body$
declare
  made record;
begin
  for made in
    select c.oid, n.nspname, c.relname, c.relkind
    from pg_event_trigger_ddl_commands() d join pg_class c on c.oid = d.objid
      join pg_namespace n on n.oid = c.relnamespace
    where d.classid = 'pg_class'::regclass and c.relkind in ('r', 'p') and c.relpersistence = 'p'
      and n.nspname <> 'conformance'
  loop
    execute format('create or replace trigger %I after insert or update or delete on %I.%I
      for each row execute function conformance.note()', '!oracle_' || made.oid, made.nspname, made.relname);
    execute format('alter table %I.%I enable always trigger %I', made.nspname, made.relname, '!oracle_' || made.oid);
    if made.relkind = 'r' then
      execute format('create or replace trigger %I after truncate on %I.%I
        for each statement execute function conformance.note()', '!oracle_' || made.oid || '_t', made.nspname,
        made.relname);
    end if;
  end loop;
end
$body$;

create event trigger conformance_watch on ddl_command_end
  when tag in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO')
  execute function conformance.watch();
