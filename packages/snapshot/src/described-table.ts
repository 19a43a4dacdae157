/** What the catalogue says of a table that is to be read, as the stream would describe it. */
import type { SnapshotTable } from '@diptych/kafka/snapshot-log';
import type { Relation, ReplicaIdentity } from '@diptych/pgoutput/relation';

export interface DescribedTable {
  /** Only what the publication sends: its columns, in their order. */
  readonly relation: Relation;
  /**
   * The columns by which rows are told apart, in the order of their index: primary key, or the replica identity's. None
   * where the key is deferrable and would be the identity: the stream has no key then.
   */
  readonly key: readonly string[];
  /**
   * Which table it is, and what orders its key: the table's oid, and of each column of the key its number, type, modifier
   * and collation. Names are not in it: a column that is renamed is the same.
   */
  readonly shape: string;
  /** Partitions are read through their root. */
  readonly isPartitioned: boolean;
  /** The publication's own condition on rows, in SQL. */
  readonly rowFilter: string | null;
  /** Schemas of the operators that order the key, besides `pg_catalog`: a type of an extension has its own. */
  readonly operatorSchemas: readonly string[];
  /** Rows by the server's statistics; null when it has none. */
  readonly estimatedRows: number | null;
}

/** The row of `describeTableSql`. */
export interface DescriptionRow {
  readonly oid: number;
  readonly partitioned: boolean;
  readonly identity: string;
  readonly tuples: number;
  readonly columns: readonly (readonly [name: string, typeOid: number, typeModifier: number])[] | null;
  readonly key: readonly string[];
  readonly shape: string;
  readonly filter: string | null;
  readonly schemas: readonly string[];
}

/**
 * One JSON value: what a publication sends of one table; no row when the table is not in it. Names as literals, already
 * quoted. Generated columns are left out by the server unless the publication has them.
 * https://www.postgresql.org/docs/18/view-pg-publication-tables.html
 */
export function describeTableSql(literals: {
  readonly publication: string;
  readonly schema: string;
  readonly name: string;
}): string {
  return `
    select json_build_object(
      'oid', c.oid::int8, 'partitioned', c.relkind = 'p', 'identity', c.relreplident, 'tuples', c.reltuples,
      'columns', (select json_agg(json_build_array(a.attname, a.atttypid::int8, a.atttypmod) order by a.attnum)
        from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
          and a.attname = any(t.attnames)),
      'key', array(select a.attname from unnest(i.indkey::int2[]) with ordinality k(number, place)
        join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number
        where k.place <= i.indnkeyatts order by k.place),
      'shape', concat_ws(' ', c.oid, (
        select string_agg(concat_ws('.', a.attnum, a.atttypid, a.atttypmod, a.attcollation), ' ' order by k.place)
        from unnest(i.indkey::int2[]) with ordinality k(number, place)
        join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number
        where k.place <= i.indnkeyatts)),
      'schemas', array(select distinct n.nspname from unnest(i.indclass::oid[]) k(class)
        join pg_opclass o on o.oid = k.class join pg_amop m on m.amopfamily = o.opcfamily
        join pg_operator p on p.oid = m.amopopr join pg_namespace n on n.oid = p.oprnamespace
        where n.nspname <> 'pg_catalog'),
      'filter', t.rowfilter)::text as description
    from pg_publication_tables t
    join pg_namespace s on s.nspname = t.schemaname
    join pg_class c on c.relnamespace = s.oid and c.relname = t.tablename
    left join pg_index i on i.indrelid = c.oid and i.indisvalid
      and case c.relreplident when 'i' then i.indisreplident when 'd' then i.indisprimary and i.indimmediate
        else i.indisprimary end
    where t.pubname = ${literals.publication} and t.schemaname = ${literals.schema} and t.tablename = ${literals.name}`;
}

const identities: Readonly<Record<string, ReplicaIdentity>> = {
  d: 'default',
  n: 'nothing',
  f: 'full',
  i: 'index',
};

/** The description as the catalogue gave it, in the form of the stream. */
export function describedTable(
  { schema, name }: { schema: string; name: string },
  row: DescriptionRow,
): DescribedTable {
  const replicaIdentity = identities[row.identity] ?? 'default';
  const flagged = (column: string) =>
    replicaIdentity === 'full' || (replicaIdentity !== 'nothing' && row.key.includes(column));
  const columns = (row.columns ?? []).map(([column, typeOid, typeModifier]) => ({
    ...{ name: column, key: flagged(column), typeOid, typeModifier },
  }));
  return {
    relation: { oid: row.oid, schema, table: name, replicaIdentity, columns },
    // A key that the publication sends in part only cannot be followed in the stream.
    key: row.key.every((column) => columns.some((one) => one.name === column)) ? row.key : [],
    shape: row.shape,
    isPartitioned: row.partitioned,
    rowFilter: row.filter,
    operatorSchemas: row.schemas,
    estimatedRows: row.tuples >= 0 ? Math.round(row.tuples) : null,
  };
}

/** Whether two descriptions read the same table by the same key: what the stream is compared by. */
export function isReadAlike(one: DescribedTable, other: DescribedTable): boolean {
  return one.shape === other.shape && isSameKey(one.key, other.key);
}

/** Whether a reading that was begun may go on behind the last row that was read. */
export function goesOn({ key, shape }: SnapshotTable, described: DescribedTable): boolean {
  if (shape !== null) return shape === described.shape;
  return key === null || isSameKey(key, described.key);
}

const isSameKey = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((column, index) => column === other[index]);
