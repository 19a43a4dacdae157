/** How a transaction says who writes it: by a logical message, once, wherever it is asked to (docs/wire.md, "Records"). */

/** Of the logical message. */
export const contextPrefix = 'diptych.context';

/** Remembers, until the transaction or the savepoint that said it ends, that it is said. */
const marker = `pg_catalog.current_setting('diptych.context', true) is distinct from pg_catalog.pg_current_xact_id()::text`;

/** `session_user` is who logged in, also behind SET ROLE and inside a function of another owner. */
const content = `pg_catalog.json_build_object('application', pg_catalog.current_setting('application_name'),
      'user', session_user, 'client', pg_catalog.host(pg_catalog.inet_client_addr()))::text`;

/** A query without parameters: says it, unless this transaction has said it already. */
export const sayContextSql = `select pg_catalog.pg_logical_emit_message(true, '${contextPrefix}', ${content})::text,
    pg_catalog.set_config('diptych.context', pg_catalog.pg_current_xact_id()::text, true)
    where ${marker}`;

/** Of the function and its schema, and of the trigger on each table. */
export const contextSchema = 'diptych_audit';
export const contextTrigger = 'diptych_context';

/**
 * The function of the triggers. As its owner, so that a role that may not emit messages can write on as before; with names
 * that nobody's search_path leads elsewhere. A statement that changed nothing has no transaction id yet, and gets none.
 * https://www.postgresql.org/docs/18/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY
 */
export const contextFunctionSql: readonly string[] = [
  `create schema if not exists ${contextSchema}`,
  `create or replace function ${contextSchema}.context() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $function$
  begin
    if pg_catalog.pg_current_xact_id_if_assigned() is not null then
      perform 1 from (${sayContextSql}) said;
    end if;
    return null;
  end $function$`,
  `revoke all on function ${contextSchema}.context() from public`,
];
