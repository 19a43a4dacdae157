/** Which columns are a table's key, and which of them a row before has. */
import type { Relation } from '@diptych/pgoutput/relation';

/** The primary key's columns as the catalogue knows them; null when the table has none or is not known. */
export type PrimaryKeys = (relation: Relation) => readonly string[] | null;

/**
 * Key columns as of the change: those chosen by configuration, in the table's order, else those that the Relation message
 * flags, in the order of the primary key, as Debezium has them. With FULL it flags all, with NOTHING none; only then the
 * catalogue is asked for the columns, whose answer may be newer than the change: a column that the table did not have means
 * no key. The order stands in the catalogue alone; where it speaks of other columns, the table's order is taken.
 */
export function keyColumns(
  relation: Relation,
  chosen: readonly string[] | PrimaryKeys,
): readonly number[] | null {
  const places = new Map(relation.columns.map(({ name }, index) => [name, index]));
  const placesOf = (names: readonly string[]) => names.flatMap((name) => places.get(name) ?? []);
  if (typeof chosen !== 'function') {
    const key = placesOf(chosen).toSorted((one, other) => one - other);
    return key.length > 0 && key.length === chosen.length ? key : null;
  }
  const named = chosen(relation) ?? [];
  const key = placesOf(named);
  const isWhole = key.length > 0 && key.length === named.length;
  if (!flagsKey(relation)) return isWhole ? key : null;
  const flagged = placesOf(flaggedColumns(relation));
  if (flagged.length === 0) return null;
  return isWhole && flagged.length === key.length && flagged.every((index) => key.includes(index))
    ? key
    : flagged;
}

/** Whether the stream tells all of the key: which columns it has, and their order where there is more than one. */
export function tellsKey(relation: Relation): boolean {
  return flagsKey(relation) && flaggedColumns(relation).length < 2;
}

const flagsKey = ({ replicaIdentity }: Relation): boolean =>
  replicaIdentity === 'default' || replicaIdentity === 'index';

/**
 * The columns of a row before that is no more than a key. FULL flags all columns and sends whole rows: a key then comes from
 * a partition with another identity than its root, and is the primary key if anything.
 */
export function identityColumns(relation: Relation, primaryKeys: PrimaryKeys): readonly string[] {
  return relation.replicaIdentity === 'full' ? (primaryKeys(relation) ?? []) : flaggedColumns(relation);
}

/** What makes the server send the old values of a key's columns. */
export function identityRemedy({ schema, table }: Pick<Relation, 'schema' | 'table'>): string {
  const [quotedSchema, quotedTable] = [schema, table].map((name) => `"${name.replaceAll('"', '""')}"`);
  const statement = `alter table ${quotedSchema}.${quotedTable} replica identity`;
  return (
    `Run \`${statement} full\`, or \`${statement} using index …\` with a unique index of the key’s columns: for what is ` +
    'written from then on. This change can be parked (`change.onPoison`) or skipped (docs/parking.md).'
  );
}

const flaggedColumns = ({ columns }: Relation): readonly string[] =>
  columns.filter(({ key }) => key).map(({ name }) => name);
