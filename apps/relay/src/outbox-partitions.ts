/** The partitions of an outbox table: what there is, making them, and taking them away when they are published. */
import type { NewPartition, Partition } from '@diptych/outbox/retention';
import { OperatingError } from '@diptych/runtime/failure';
import { type Catalogue, quoteIdentifier, quoteLiteral } from '@diptych/wal/catalogue';
import { type Lsn, parseLsn } from '@diptych/wal/lsn';

/** A partition that was taken out of its table, and is not dropped yet. */
export interface Detached {
  readonly name: string;
  /** Once the slot has confirmed it, every row of the partition is published. */
  readonly lsn: Lsn;
}

/** How long writers may have to wait behind the change of the table, at most. Then it is given up for this time. */
const lockTimeoutMs = 500;

/** lock_not_available. https://www.postgresql.org/docs/18/errcodes-appendix.html */
const lockNotAvailable = '55P03';

/** check_violation: the default partition has rows that would belong to the new one. */
const checkViolation = '23514';

/** Throws OperatingError `outbox-not-partitioned`. Times are read in UTC from then on. */
export async function listPartitions(catalogue: Catalogue, table: string): Promise<Partition[]> {
  await catalogue.query(`set timezone = 'UTC'`);
  await catalogue.query(`set datestyle = 'ISO'`);
  const [found] = await catalogue.query<{ key: string | null }>(
    'select pg_get_partkeydef(to_regclass($1)) as key',
    [quoted(table)],
  );
  if (found?.key !== 'RANGE (occurred_at)') {
    throw new OperatingError('outbox-not-partitioned', `${table} is not partitioned by range (occurred_at)`, {
      remedy: 'docs/outbox.md ("Retention") has the SQL that makes it so; or name another with --table.',
    });
  }
  const rows = await catalogue.query<{ name: string; bound: string; bytes: string }>(
    `select n.nspname || '.' || c.relname as name, pg_get_expr(c.relpartbound, c.oid) as bound,
       pg_total_relation_size(c.oid)::text as bytes
     from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_namespace n on n.oid = c.relnamespace
     where i.inhparent = to_regclass($1) order by 1`,
    [quoted(table)],
  );
  return rows.map(({ name, bound, bytes }) => ({ name, ...boundsOf(bound), bytes: BigInt(bytes) }));
}

/** `FOR VALUES FROM ('2026-11-21 00:00:00+00') TO (MAXVALUE)`, or `DEFAULT`. */
function boundsOf(bound: string): Pick<Partition, 'fromMs' | 'toMs' | 'isDefault'> {
  const [, from, to] = /^FOR VALUES FROM \((.+)\) TO \((.+)\)$/.exec(bound) ?? [];
  return { fromMs: timeOf(from), toMs: timeOf(to), isDefault: bound === 'DEFAULT' };
}

function timeOf(text: string | undefined): number | null {
  const ms = Date.parse(text?.replaceAll("'", '').replace(' ', 'T').replace(/\+00$/, 'Z') ?? '');
  return Number.isNaN(ms) ? null : ms;
}

/**
 * Makes a partition; its rows can be named in a DELETE as the table's can. Attaching goes on beside writers, where CREATE
 * TABLE … PARTITION OF would wait for all of them, and let all others wait meanwhile. False when somebody writes to the
 * default partition, which it has to lock, or when rows of that time are in there already.
 */
export async function createPartition(
  catalogue: Catalogue,
  { table, partition }: { table: string; partition: NewPartition },
): Promise<boolean> {
  const [schema = ''] = table.split('.');
  const name = quoted(`${schema}.${partition.name}`);
  const [root] = await catalogue.query<{ full: boolean }>(
    `select relreplident = 'f' as full from pg_class where oid = to_regclass($1)`,
    [quoted(table)],
  );
  const made = await unlessLocked(catalogue, async () => {
    const range = `from (${quoteLiteral(`${partition.from}Z`)}) to (${quoteLiteral(`${partition.to}Z`)})`;
    await catalogue.query(`create table ${name} (like ${quoted(table)} including all excluding indexes)`);
    if (root?.full) await catalogue.query(`alter table ${name} replica identity full`);
    await catalogue.query(`alter table ${quoted(table)} attach partition ${name} for values ${range}`);
    return true;
  });
  return made ?? false;
}

/**
 * Takes a partition out of its table: nobody writes to it any more, and what is in it was committed before the position
 * that is answered. Undefined when somebody holds a lock on it.
 */
export async function detachPartition(
  catalogue: Catalogue,
  { table, name }: { table: string; name: string },
): Promise<Detached | undefined> {
  return await unlessLocked(catalogue, async () => {
    await catalogue.query(`lock table only ${quoted(table)}, ${quoted(name)} in access exclusive mode`);
    const lsn = await walPosition(catalogue);
    await catalogue.query(`alter table ${quoted(table)} detach partition ${quoted(name)}`);
    await catalogue.query(`comment on table ${quoted(name)} is ${quoteLiteral(`${noteOf(table)}${lsn}`)}`);
    return { name, lsn: parseLsn(lsn) };
  });
}

/** Those that were detached before, and left because they were not published yet. */
export async function listDetached(catalogue: Catalogue, table: string): Promise<Detached[]> {
  const rows = await catalogue.query<{ name: string; lsn: string }>(
    `select n.nspname || '.' || c.relname as name, substr(obj_description(c.oid, 'pg_class'), length($1) + 1) as lsn
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and not c.relispartition and starts_with(obj_description(c.oid, 'pg_class'), $1)`,
    [noteOf(table)],
  );
  return rows.map(({ name, lsn }) => ({ name, lsn: parseLsn(lsn) }));
}

export async function dropDetached(catalogue: Catalogue, { name }: Detached): Promise<void> {
  await catalogue.query(`drop table ${quoted(name)}`);
}

/** Whatever is committed now stands before it. */
export async function walPosition(catalogue: Catalogue): Promise<string> {
  const [row] = await catalogue.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
  return row?.lsn ?? '0/0';
}

/** A transaction; undefined, with nothing done, when a lock is not to be had or rows are in the way. */
async function unlessLocked<T>(catalogue: Catalogue, work: () => Promise<T>): Promise<T | undefined> {
  await catalogue.query('begin');
  try {
    await catalogue.query(`set local lock_timeout = ${lockTimeoutMs}`);
    const result = await work();
    await catalogue.query('commit');
    return result;
  } catch (error) {
    await catalogue.query('rollback').catch(() => {}); // the first failure is what is told
    const code = codeOf(error);
    if (code === lockNotAvailable || code === checkViolation) return undefined;
    throw error;
  }
}

const noteOf = (table: string): string => `diptych: detached from ${table} at `;

const quoted = (name: string): string => name.split('.').map(quoteIdentifier).join('.');

function codeOf(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause ? cause.code : undefined;
}
