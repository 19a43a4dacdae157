import { type Catalogue, quoteIdentifier } from './catalogue.ts';

export interface TableName {
  readonly schema: string;
  readonly name: string;
}

/** A publication as the catalogue has it: the server's filter of tables. */
export interface Publication {
  readonly name: string;
  readonly oid: number;
  /** Which operations and whether partitions appear as their root, as one comparable text. */
  readonly options: string;
  /** The tables whose changes it sends, `schema.table`, sorted; of a partitioned one its root or its leaves. */
  readonly tables: readonly string[];
  /** The tables it was given; null when it is for all tables or for schemas. */
  readonly members: readonly TableName[] | null;
  /**
   * One for each table or schema that it was given: `<its oid>:<the membership's oid>:<row filter and columns>`. Taken
   * out and put back, or narrowed by a filter, a table has another one.
   */
  readonly memberships: readonly string[];
}

/** The server opens each table that it lists, and fails over one that is dropped meanwhile. */
const droppedMeanwhile = /could not open relation with OID/;
/** One after the other: who drops tables all the time does not hold up a relay for ever. */
const listingsMax = 10;

/** The publications of these names that exist. Throws OperatingError. */
export async function inspectPublications(
  catalogue: Catalogue,
  names: readonly string[],
): Promise<Publication[]> {
  for (let listing = 1; ; listing += 1) {
    try {
      return await listPublications(catalogue, names);
    } catch (error) {
      if (listing === listingsMax || !(error instanceof Error && droppedMeanwhile.test(error.message)))
        throw error;
    }
  }
}

async function listPublications(catalogue: Catalogue, names: readonly string[]): Promise<Publication[]> {
  const rows = await catalogue.query<{
    name: string;
    oid: string;
    options: string;
    tables: string[];
    members: TableName[] | null;
    memberships: string[];
  }>(
    `select pubname as name, p.oid::text as oid,
       concat_ws(',', case when pubinsert then 'insert' end, case when pubupdate then 'update' end,
         case when pubdelete then 'delete' end, case when pubtruncate then 'truncate' end,
         case when pubviaroot then 'via-root' end, case when puballtables then 'all-tables' end) as options,
       array(select schemaname || '.' || tablename from pg_publication_tables t
             where t.pubname = p.pubname order by 1) as tables,
       case when not puballtables and not exists (select from pg_publication_namespace where pnpubid = p.oid)
         then coalesce((select json_agg(json_build_object('schema', n.nspname, 'name', c.relname)
             order by n.nspname, c.relname) from pg_publication_rel r
           join pg_class c on c.oid = r.prrelid join pg_namespace n on n.oid = c.relnamespace
           where r.prpubid = p.oid), '[]') end as members,
       array(select prrelid || ':' || oid || ':' || md5(coalesce(prqual::text, '') || coalesce(prattrs::text, ''))
             from pg_publication_rel where prpubid = p.oid
             union all select pnnspid || ':' || oid || ':' from pg_publication_namespace where pnpubid = p.oid
             order by 1) as memberships
     from pg_publication p where pubname = any($1) order by pubname`,
    [names],
  );
  return rows.map((row) => ({ ...row, oid: Number(row.oid) }));
}

export const qualifiedName = (table: TableName): string => `${table.schema}.${table.name}`;

/** As SQL has it, hostile names too. */
export const quotedName = ({ schema, name }: TableName): string =>
  `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;

/** Drops a publication, when it is there. */
export async function dropPublication(catalogue: Catalogue, name: string): Promise<void> {
  await catalogue.query(`drop publication if exists ${quoteIdentifier(name)}`);
}

/** Those of these oids of tables and schemas that still exist: of a table `schema.table`, of a schema null. */
export async function existingObjects(
  catalogue: Catalogue,
  oids: readonly string[],
): Promise<ReadonlyMap<string, string | null>> {
  const rows = await catalogue.query<{ oid: string; name: string | null }>(
    `select c.oid::text, n.nspname || '.' || c.relname as name
       from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = any($1::oid[])
     union all select oid::text, null from pg_namespace where oid = any($1::oid[])`,
    [oids],
  );
  return new Map(rows.map(({ oid, name }) => [oid, name]));
}
