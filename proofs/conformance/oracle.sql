-- The database's own account: what each row change of a user's table was, as text, written in the statement's own
-- transaction by a trigger that every table gets when it is made. Unlogged tables have no WAL, so neither side sees it.
create schema conformance;
create table conformance.marker (id bigint primary key);
-- Gone with its transaction: whoever reads the table meanwhile finds it empty. Returns the transaction's id, of 32 bits.
create function conformance.mark(marker bigint) returns bigint language plpgsql as $body$
begin
  insert into conformance.marker values (marker);
  delete from conformance.marker;
  return mod(pg_current_xact_id()::text::numeric, 4294967296);
end
$body$;
-- What the reference is asked for, and where it writes the watermarks of its incremental snapshots.
create table conformance.signal (id text primary key, type text not null, data text);
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
  after text[],
  -- What the key is at that moment; null where there is none, and where only the catalogue of later tells.
  key text[],
  primary_key text[]
);

-- The columns by which rows of a table are told apart now, and those of its primary key.
create function conformance.key_columns(of oid, out identity text[], out primary_key text[]) language sql stable
  set search_path = pg_catalog set quote_all_identifiers = off
as $body$
  select
    -- The server takes no key that may be broken for a while.
    case when bool_or(c.relreplident = 'd' and i.indisprimary and not i.indimmediate) then '{}' else
      array_agg(a.attname::text order by a.attnum) filter (
        where (c.relreplident = 'd' and i.indisprimary) or (c.relreplident = 'i' and i.indisreplident)) end,
    array_agg(a.attname::text order by a.attnum) filter (where i.indisprimary)
  from pg_class c join pg_index i on i.indrelid = c.oid and (i.indisprimary or i.indisreplident)
    join pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey)
  where c.oid = of
$body$;

create function conformance.note() returns trigger language plpgsql security definer
  set datestyle = 'ISO' set intervalstyle = 'postgres' set bytea_output = 'hex' set extra_float_digits = 1
  set timezone = 'UTC' set search_path = pg_catalog set quote_all_identifiers = off
as $body$
declare
  names text[];
  types text[];
  list text;
  before text[];
  after text[];
begin
  -- A partition has its root's trigger besides its own: one account is enough. What is unlogged is in no stream.
  if tg_name not in ('!oracle_' || tg_relid, '!oracle_' || tg_relid || '_t')
    or (select relpersistence from pg_class where oid = tg_relid) <> 'p' then
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
  insert into conformance.noted
    (xid, operation, relation, schema_name, table_name, columns, types, before, after, key, primary_key)
  select mod(pg_current_xact_id()::text::numeric, 4294967296)::bigint, tg_op, tg_relid, tg_table_schema,
    tg_table_name, names, types, before, after, k.identity, k.primary_key
  from conformance.key_columns(tg_relid) k;
  return null;
end
$body$;

-- Rows that a statement made together with their table (CREATE TABLE AS, SELECT INTO): no trigger has seen them.
create function conformance.note_made(made oid) returns void language plpgsql security definer
  set datestyle = 'ISO' set intervalstyle = 'postgres' set bytea_output = 'hex' set extra_float_digits = 1
  set timezone = 'UTC' set search_path = pg_catalog set quote_all_identifiers = off
as $body$
begin
  execute coalesce((
    select format('insert into conformance.noted
        (xid, operation, relation, schema_name, table_name, columns, types, before, after)
      select mod(pg_current_xact_id()::text::numeric, 4294967296)::bigint, ''INSERT'', %s, %L, %L, %L::text[], %L::text[], null,
        array[%s]::text[]
      from %s order by ctid', made, n.nspname, c.relname, array_agg(a.attname::text order by a.attnum),
      array_agg(format_type(a.atttypid, a.atttypmod) order by a.attnum),
      string_agg(format('%I::text', a.attname), ',' order by a.attnum), made::regclass)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    where c.oid = made
    group by n.nspname, c.relname), 'select');
end
$body$;

create function conformance.watch() returns event_trigger language plpgsql security definer
  set search_path = pg_catalog set quote_all_identifiers = off
as $body$
declare
  made record;
begin
  for made in
    select c.oid, n.nspname, c.relname, c.relkind, d.command_tag
    from pg_event_trigger_ddl_commands() d join pg_class c on c.oid = d.objid
      join pg_namespace n on n.oid = c.relnamespace
    where d.classid = 'pg_class'::regclass and c.relkind in ('r', 'p') and c.relpersistence = 'p'
      and n.nspname <> 'conformance'
      and not exists (select from pg_trigger where tgrelid = c.oid and tgname = '!oracle_' || c.oid)
  loop
    execute format('create or replace trigger %I after insert or update or delete on %I.%I
      for each row execute function conformance.note()', '!oracle_' || made.oid, made.nspname, made.relname);
    execute format('alter table %I.%I enable always trigger %I', made.nspname, made.relname, '!oracle_' || made.oid);
    if made.relkind = 'r' then
      execute format('create or replace trigger %I after truncate on %I.%I
        for each statement execute function conformance.note()', '!oracle_' || made.oid || '_t', made.nspname,
        made.relname);
    end if;
    if made.command_tag in ('CREATE TABLE AS', 'SELECT INTO') then
      perform conformance.note_made(made.oid);
    end if;
  end loop;
end
$body$;

create event trigger conformance_watch on ddl_command_end
  when tag in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE SCHEMA', 'ALTER TABLE')
  execute function conformance.watch();

-- What values of a domain are.
create function conformance.domains() returns table (domain text, base text) language sql stable
  set search_path = pg_catalog set quote_all_identifiers = off
as $body$
  select format_type(oid, null), format_type(typbasetype, typtypmod) from pg_type where typtype = 'd'
$body$;

-- The tables that have a key, and whose rows are in the WAL.
create function conformance.tables() returns table (
  schema text, name text, relation text, topic text, columns text[], types text[], key text[]
) language sql stable set search_path = pg_catalog set quote_all_identifiers = off
as $body$
  select n.nspname, c.relname, c.oid::text, regexp_replace(n.nspname || '.' || c.relname, '[^A-Za-z0-9._-]', '_', 'g'),
    array_agg(a.attname::text order by a.attnum),
    array_agg(format_type(a.atttypid, a.atttypmod) order by a.attnum),
    array_agg(a.attname::text) filter (where a.attnum = any (i.indkey))
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_index i on i.indrelid = c.oid and i.indisprimary
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
  where c.relkind = 'r' and c.relpersistence = 'p' and n.nspname <> all (array['conformance', 'information_schema'])
    and n.nspname !~ '^pg_' and c.relname not like 'outbox%'
  group by 1, 2, 3, 4
$body$;

create function conformance.tables_with_rows() returns table (topic text) language plpgsql stable
  set search_path = pg_catalog set quote_all_identifiers = off
as $body$
declare
  one record;
  has_rows boolean;
begin
  for one in select * from conformance.tables() loop
    execute format('select exists (select from only %I.%I)', one.schema, one.name) into has_rows;
    if has_rows then
      topic := one.topic;
      return next;
    end if;
  end loop;
end
$body$;
