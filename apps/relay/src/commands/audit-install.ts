/** `diptych audit install` and `uninstall`: triggers by which each transaction says who writes it. */
import { OperatingError } from '@diptych/runtime/failure';
import { type Catalogue, openCatalogue } from '@diptych/wal/catalogue';
import { qualifiedName, quotedName, type TableName } from '@diptych/wal/publication';
import { listTables } from '@diptych/wal/table';
import { contextFunctionSql, contextSchema, contextTrigger } from '@diptych/wal/writer-context';
import { type Configuration, isBusinessTable } from '../configuration.ts';
import { outboxTables } from '../outboxes.ts';

/** A table that is written to at the moment is left for the next time: nobody waits behind us for longer. */
const lockTimeoutMs = 2000;

/** What was done, `schema.table` each. */
export interface Installed {
  /** That have the trigger from now on, or, uninstalled, have it no more. */
  readonly changed: readonly string[];
  /** That had it before. */
  readonly unchanged: readonly string[];
  /** Somebody holds a lock on them: call it again. */
  readonly busy: readonly string[];
}

/** The statements, one by one, for review or for whoever owns the tables. Throws OperatingError. */
export async function installStatements(configuration: Configuration): Promise<string[]> {
  const catalogue = await openCatalogue(configuration.database.url);
  try {
    const tables = await auditedTables(catalogue, configuration);
    return [...contextFunctionSql, ...tables.map(createTriggerSql)];
  } finally {
    await catalogue.close();
  }
}

/**
 * Gives each audited table the trigger that it lacks: those of `audit.tables`, else all business tables, partitioned ones
 * with their partitions. Called again, for instance after a migration, it does what is new. Each table is a transaction
 * of its own. Throws OperatingError: `postgres-privilege-missing` and others of Postgres.
 */
export async function install(configuration: Configuration): Promise<Installed> {
  const catalogue = await openCatalogue(configuration.database.url);
  try {
    // Together, or there is a function that others may call; two at once take turns.
    await catalogue.query(inOneTransaction(contextFunctionSql)).catch((error: unknown) => {
      throw withRemedy(error);
    });
    const has = new Set((await tablesWithTrigger(catalogue)).map(qualifiedName));
    const tables = await auditedTables(catalogue, configuration);
    const lacking = tables.filter((table) => !has.has(qualifiedName(table)));
    const done = await eachTable(catalogue, lacking, createTriggerSql);
    return { ...done, unchanged: [...has].sort() };
  } finally {
    await catalogue.close();
  }
}

/** The statements of `uninstall`. Throws OperatingError. */
export async function uninstallStatements(configuration: Configuration): Promise<string[]> {
  const catalogue = await openCatalogue(configuration.database.url);
  try {
    return [...(await tablesWithTrigger(catalogue)).map(dropTriggerSql), ...dropFunctionSql];
  } finally {
    await catalogue.close();
  }
}

/**
 * Takes away every such trigger, and when none is left the function and its schema, unless others keep something in it.
 * Throws OperatingError.
 */
export async function uninstall(configuration: Configuration): Promise<Installed> {
  const catalogue = await openCatalogue(configuration.database.url);
  try {
    const done = await eachTable(catalogue, await tablesWithTrigger(catalogue), dropTriggerSql);
    if (done.busy.length === 0) {
      await catalogue.query(`drop function if exists ${contextSchema}.context()`);
      if (await isEmpty(catalogue)) await catalogue.query(`drop schema if exists ${contextSchema}`);
    }
    return { ...done, unchanged: [] };
  } finally {
    await catalogue.close();
  }
}

async function eachTable(
  catalogue: Catalogue,
  tables: readonly TableName[],
  statement: (table: TableName) => string,
): Promise<Pick<Installed, 'changed' | 'busy'>> {
  const changed: string[] = [];
  const busy: string[] = [];
  for (const table of tables) {
    const done = await withoutWaiting(catalogue, statement(table));
    (done ? changed : busy).push(qualifiedName(table));
  }
  return { changed, busy };
}

/** False when the lock is not to be had. */
async function withoutWaiting(catalogue: Catalogue, statement: string): Promise<boolean> {
  try {
    await catalogue.query(inOneTransaction([`set local lock_timeout = ${lockTimeoutMs}`, statement]));
    return true;
  } catch (error) {
    await catalogue.query('rollback');
    // lock_not_available
    if (codeOf(error) === '55P03') return false;
    throw withRemedy(error);
  }
}

const codeOf = (error: unknown): unknown =>
  error instanceof Error && error.cause instanceof Error && 'code' in error.cause
    ? error.cause.code
    : undefined;

function withRemedy(error: unknown): unknown {
  if (!(error instanceof OperatingError) || error.code !== 'postgres-privilege-missing') return error;
  const remedy = 'Let the owner of the tables run what the same command with --sql prints.';
  return new OperatingError(error.code, error.message, { remedy, cause: error });
}

const inOneTransaction = (statements: readonly string[]): string =>
  ['begin', ...statements, 'commit'].join(';\n');

/** Statement-level triggers are those of the table that a statement names: a partition needs its own. */
async function auditedTables(catalogue: Catalogue, configuration: Configuration): Promise<TableName[]> {
  const { audit, change } = configuration;
  const outboxes = new Set(outboxTables(configuration));
  const isAudited = (table: TableName) => {
    const name = qualifiedName(table);
    return audit.tables ? audit.tables.includes(name) : isBusinessTable(name, change) && !outboxes.has(name);
  };
  return (await listTables(catalogue)).filter(isAudited).flatMap((table) => [table, ...table.partitions]);
}

async function tablesWithTrigger(catalogue: Catalogue): Promise<TableName[]> {
  return await catalogue.query<{ schema: string; name: string }>(
    `select n.nspname as schema, c.relname as name from pg_trigger t
       join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
       join pg_proc p on p.oid = t.tgfoid join pg_namespace f on f.oid = p.pronamespace
     where t.tgname = $1 and p.proname = 'context' and f.nspname = $2 order by 1, 2`,
    [contextTrigger, contextSchema],
  );
}

async function isEmpty(catalogue: Catalogue): Promise<boolean> {
  const rows = await catalogue.query(
    `select from pg_depend where refclassid = 'pg_namespace'::regclass and refobjid = to_regnamespace($1)`,
    [contextSchema],
  );
  return rows.length === 0;
}

const createTriggerSql = (table: TableName): string =>
  `create or replace trigger ${contextTrigger} after insert or update or delete or truncate on ${quotedName(table)}
  for each statement execute function ${contextSchema}.context()`;

const dropTriggerSql = (table: TableName): string =>
  `drop trigger if exists ${contextTrigger} on ${quotedName(table)}`;

const dropFunctionSql = [
  `drop function if exists ${contextSchema}.context()`,
  `drop schema if exists ${contextSchema}`,
];
