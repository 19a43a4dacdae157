/** Tables as `init` and the relay need to know them, and whether what is written to them can be published. */
import { OperatingError } from '@diptych/runtime/failure';
import type { Catalogue } from './catalogue.ts';
import { qualifiedName, quotedName, type TableName } from './publication.ts';

/** What an UPDATE or DELETE sends of the row before. */
export interface Identity extends TableName {
  readonly replicaIdentity: 'default' | 'nothing' | 'full' | 'index';
  /** The columns of its index; empty with `full`, `nothing`, and where there is no index. */
  readonly identityColumns: readonly string[];
}

export interface Table extends Identity {
  /** Columns of the primary key, in its order; empty when there is none. */
  readonly primaryKey: readonly string[];
  readonly isPartitioned: boolean;
  /** The partitions that hold rows. */
  readonly partitions: readonly Identity[];
}

const identities = { d: 'default', n: 'nothing', f: 'full', i: 'index' } as const;

interface IdentityRow extends TableName {
  readonly identity: keyof typeof identities;
  readonly columns: readonly string[];
}

const identityOf = ({ schema, name, identity, columns }: IdentityRow): Identity => ({
  ...{ schema, name, replicaIdentity: identities[identity], identityColumns: columns },
});

/** Of a relation of the query, by its alias. A key that is deferrable is none: the server refuses UPDATEs by it. */
const identityColumnsSql = (alias: string): string => `
  array(select a.attname::text from pg_index i,
      unnest(i.indkey::int2[]) with ordinality k(number, place), pg_attribute a
    where i.indrelid = ${alias}.oid and k.place <= i.indnkeyatts
      and case ${alias}.relreplident when 'd' then i.indisprimary and i.indimmediate when 'i' then i.indisreplident end
      and a.attrelid = ${alias}.oid and a.attnum = k.number order by k.place)`;

/**
 * All ordinary and partitioned tables outside the system schemas, in name order. Partitions come with their root;
 * unlogged and temporary tables have no WAL. The scratch tables of `diptych price` are nobody's.
 */
export async function listTables(catalogue: Catalogue): Promise<Table[]> {
  const rows = await catalogue.query<
    IdentityRow & { primary_key: string[] | null; partitioned: boolean; partitions: IdentityRow[] }
  >(`
    select n.nspname as schema, c.relname as name, c.relreplident as identity, c.relkind = 'p' as partitioned,
      ${identityColumnsSql('c')} as columns,
      (select array_agg(a.attname::text order by k.place) from pg_index i,
         unnest(i.indkey::int2[]) with ordinality k(number, place), pg_attribute a
       where i.indrelid = c.oid and i.indisprimary and a.attrelid = c.oid and a.attnum = k.number) as primary_key,
      case when c.relkind = 'p' then coalesce((select json_agg(json_build_object('schema', ln.nspname,
          'name', l.relname, 'identity', l.relreplident, 'columns', ${identityColumnsSql('l')}) order by 1)
        from pg_partition_tree(c.oid) t join pg_class l on l.oid = t.relid
          join pg_namespace ln on ln.oid = l.relnamespace
        where t.isleaf and l.relkind = 'r' and l.relpersistence = 'p'), '[]') else '[]' end as partitions
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and c.relpersistence = 'p' and not c.relispartition
      and n.nspname <> 'information_schema' and n.nspname !~ '^(pg_|diptych_price_)'
    order by 1, 2`);
  return rows.map(({ primary_key, partitioned, partitions, ...row }) => ({
    ...identityOf(row),
    primaryKey: primary_key ?? [],
    isPartitioned: partitioned,
    partitions: partitions.map(identityOf),
  }));
}

/** Whether an UPDATE or DELETE can be published: without it the application's own statement would fail. */
const isUsable = ({ replicaIdentity, identityColumns }: Identity): boolean =>
  replicaIdentity === 'full' || identityColumns.length > 0;

/** A row before comes from the partition, and is read by what the root says: it must have what that flags. */
const tellsAsRoot = (partition: Identity, root: Identity): boolean =>
  partition.replicaIdentity === 'full' ||
  (root.replicaIdentity !== 'full' &&
    root.identityColumns.every((column) => partition.identityColumns.includes(column)));

/** Of a table and its partitions those whose replica identity does not do. `viaRoot`: partitions are published as it. */
export function unusableParts(
  table: Pick<Table, 'partitions'> & Identity,
  { viaRoot }: { readonly viaRoot: boolean },
): readonly TableName[] {
  const parts = table.partitions.filter(
    (partition) => !isUsable(partition) || (viaRoot && isUsable(table) && !tellsAsRoot(partition, table)),
  );
  return isUsable(table) ? parts : [table, ...parts];
}

/** What makes the replica identity of these usable. */
export const identityStatements = (parts: readonly TableName[]): string =>
  parts.map((part) => `\`alter table ${quotedName(part)} replica identity full\``).join(', ');

/**
 * Refuses tables whose replica identity cannot carry an UPDATE or DELETE, before anything is touched: publishing them
 * would make the application's own statements fail; or, of partitions that are published as their root, would send other
 * columns than the root says.
 * https://www.postgresql.org/docs/18/logical-replication-publication.html#LOGICAL-REPLICATION-PUBLICATION-REPLICA-IDENTITY
 */
export function requireUsableIdentity(
  tables: readonly (Pick<Table, 'partitions'> & Identity)[],
  options: { readonly viaRoot: boolean },
): void {
  const unusable = tables.flatMap((table) => unusableParts(table, options));
  if (unusable.length === 0) return;
  const names = unusable.map(qualifiedName).join(', ');
  throw new OperatingError('replica-identity-unusable', `no usable replica identity: ${names}`, {
    remedy: `Add a primary key, or run ${identityStatements(unusable)}, or leave the table out with DIPTYCH_CHANGE_EXCLUDE.`,
  });
}
