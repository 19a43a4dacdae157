import { OperatingError } from '@diptych/runtime/failure';
import { type Catalogue, quoteIdentifier } from './catalogue.ts';

/** A publication as the catalogue has it: the server's filter of tables. */
export interface Publication {
  readonly name: string;
  readonly oid: number;
  /** Which operations and whether partitions appear as their root, as one comparable text. */
  readonly options: string;
  /** The tables whose changes it sends, `schema.table`, sorted; of a partitioned one its root or its leaves. */
  readonly tables: readonly string[];
  /** The tables it was given; null when it is for all tables or for schemas. */
  readonly members: readonly string[] | null;
  /**
   * One for each table or schema that it was given: `<its oid>:<the membership's oid>:<row filter and columns>`. Taken
   * out and put back, or narrowed by a filter, a table has another one.
   */
  readonly memberships: readonly string[];
}

/** The publications of these names that exist. */
export async function inspectPublications(
  catalogue: Catalogue,
  names: readonly string[],
): Promise<Publication[]> {
  const rows = await catalogue.query<{
    name: string;
    oid: string;
    options: string;
    tables: string[];
    members: string[] | null;
    memberships: string[];
  }>(
    `select pubname as name, p.oid::text as oid,
       concat_ws(',', case when pubinsert then 'insert' end, case when pubupdate then 'update' end,
         case when pubdelete then 'delete' end, case when pubtruncate then 'truncate' end,
         case when pubviaroot then 'via-root' end, case when puballtables then 'all-tables' end) as options,
       array(select schemaname || '.' || tablename from pg_publication_tables t
             where t.pubname = p.pubname order by 1) as tables,
       case when not puballtables and not exists (select from pg_publication_namespace where pnpubid = p.oid)
         then array(select n.nspname || '.' || c.relname from pg_publication_rel r
           join pg_class c on c.oid = r.prrelid join pg_namespace n on n.oid = c.relnamespace
           where r.prpubid = p.oid order by 1) end as members,
       array(select prrelid || ':' || oid || ':' || md5(coalesce(prqual::text, '') || coalesce(prattrs::text, ''))
             from pg_publication_rel where prpubid = p.oid
             union all select pnnspid || ':' || oid || ':' from pg_publication_namespace where pnpubid = p.oid
             order by 1) as memberships
     from pg_publication p where pubname = any($1) order by pubname`,
    [names],
  );
  return rows.map((row) => ({ ...row, oid: Number(row.oid) }));
}

/** A table as `init` and the relay need to know it. */
export interface Table {
  readonly schema: string;
  readonly name: string;
  /** Columns of the primary key, in its order; empty when there is none. */
  readonly primaryKey: readonly string[];
  readonly replicaIdentity: 'default' | 'nothing' | 'full' | 'index';
  /** Whether an UPDATE or DELETE can be published: without it the application's own statement would fail. */
  readonly identityUsable: boolean;
}

/**
 * All ordinary and partitioned tables outside the system schemas, in name order. Partitions come with their root;
 * unlogged and temporary tables have no WAL.
 */
export async function listTables(catalogue: Catalogue): Promise<Table[]> {
  const rows = await catalogue.query<{
    schema: string;
    name: string;
    primary_key: string[] | null;
    identity: 'd' | 'n' | 'f' | 'i';
    has_index: boolean;
  }>(`
    select n.nspname as schema, c.relname as name, c.relreplident as identity,
      (select array_agg(a.attname::text order by k.place) from pg_index i,
         unnest(i.indkey::int2[]) with ordinality k(number, place), pg_attribute a
       where i.indrelid = c.oid and i.indisprimary and a.attrelid = c.oid and a.attnum = k.number) as primary_key,
      exists (select from pg_index i where i.indrelid = c.oid and i.indisreplident) as has_index
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and c.relpersistence = 'p' and not c.relispartition
      and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
    order by 1, 2`);
  const identities = { d: 'default', n: 'nothing', f: 'full', i: 'index' } as const;
  return rows.map(({ schema, name, primary_key, identity, has_index }) => ({
    schema,
    name,
    primaryKey: primary_key ?? [],
    replicaIdentity: identities[identity],
    identityUsable:
      identity === 'f' || (identity === 'd' && primary_key !== null) || (identity === 'i' && has_index),
  }));
}

export const qualifiedName = (table: Pick<Table, 'schema' | 'name'>): string =>
  `${table.schema}.${table.name}`;

/**
 * Refuses tables whose replica identity cannot carry an UPDATE or DELETE, before anything is touched: publishing them
 * would make the application's own statements fail.
 * https://www.postgresql.org/docs/18/logical-replication-publication.html#LOGICAL-REPLICATION-PUBLICATION-REPLICA-IDENTITY
 */
export function requireUsableIdentity(tables: readonly Table[]): void {
  const unusable = tables.filter((table) => !table.identityUsable);
  if (unusable.length === 0) return;
  const names = unusable.map(qualifiedName).join(', ');
  const quoted = unusable.map((table) => `${quoteIdentifier(table.schema)}.${quoteIdentifier(table.name)}`);
  throw new OperatingError('replica-identity-unusable', `no usable replica identity: ${names}`, {
    remedy:
      'Add a primary key, or run ' +
      quoted.map((name) => `\`alter table ${name} replica identity full\``).join(', ') +
      ', or leave the table out with DIPTYCH_CHANGE_EXCLUDE.',
  });
}

/** Creates a publication of these tables, or adds those that it lacks. Never removes one. */
export async function ensurePublication(
  catalogue: Catalogue,
  {
    name,
    tables,
    viaRoot,
  }: { name: string; tables: readonly Pick<Table, 'schema' | 'name'>[]; viaRoot: boolean },
): Promise<'created' | 'extended' | 'unchanged'> {
  const list = (some: typeof tables) =>
    some.map((table) => `${quoteIdentifier(table.schema)}.${quoteIdentifier(table.name)}`).join(', ');
  const [existing] = await inspectPublications(catalogue, [name]);
  if (!existing) {
    const forTables = tables.length > 0 ? ` for table ${list(tables)}` : '';
    await catalogue.query(
      `create publication ${quoteIdentifier(name)}${forTables} with (publish_via_partition_root = ${viaRoot})`,
    );
    return 'created';
  }
  const { members } = existing;
  if (members === null) return 'unchanged';
  const missing = tables.filter((table) => !members.includes(qualifiedName(table)));
  if (missing.length === 0) return 'unchanged';
  await catalogue.query(`alter publication ${quoteIdentifier(name)} add table ${list(missing)}`);
  return 'extended';
}

/** Drops a publication, when it is there. */
export async function dropPublication(catalogue: Catalogue, name: string): Promise<void> {
  await catalogue.query(`drop publication if exists ${quoteIdentifier(name)}`);
}

/** Those of these oids of tables and schemas that still exist. */
export async function existingObjects(
  catalogue: Catalogue,
  oids: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await catalogue.query<{ oid: string }>(
    `select oid::text from pg_class where oid = any($1::oid[])
     union all select oid::text from pg_namespace where oid = any($1::oid[])`,
    [oids],
  );
  return new Set(rows.map((row) => row.oid));
}
