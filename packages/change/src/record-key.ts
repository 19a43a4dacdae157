/** Which columns are a table's key, and which of them a row before has. */
import type { Relation } from '@diptych/pgoutput/relation';

/** The primary key's columns as the catalogue knows them; null when the table has none or is not known. */
export type PrimaryKeys = (relation: Relation) => readonly string[] | null;

/**
 * Key columns as of the change: those chosen by configuration, else those that the Relation message flags. With FULL it
 * flags all, with NOTHING none; only then the catalogue is asked, whose answer may be newer than the change: a column
 * that the table did not have means no key.
 */
export function keyColumns(
  relation: Relation,
  chosen: readonly string[] | PrimaryKeys,
): readonly number[] | null {
  const { columns, replicaIdentity } = relation;
  const isFlagged = replicaIdentity === 'default' || replicaIdentity === 'index';
  let names: readonly string[];
  if (typeof chosen !== 'function') names = chosen;
  else if (isFlagged) names = flaggedColumns(relation);
  else names = chosen(relation) ?? [];
  const key = columns.flatMap(({ name }, index) => (names.includes(name) ? [index] : []));
  return key.length > 0 && key.length === names.length ? key : null;
}

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
