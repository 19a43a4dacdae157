/** pgoutput's description of a table, as of the changes that follow it. A later description is another object. */
export interface Relation {
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  readonly replicaIdentity: ReplicaIdentity;
  readonly columns: readonly Column[];
}

/** https://www.postgresql.org/docs/18/sql-altertable.html#SQL-ALTERTABLE-REPLICA-IDENTITY */
export type ReplicaIdentity = 'default' | 'nothing' | 'full' | 'index';

export interface Column {
  readonly name: string;
  /** Part of the replica identity's key. With identity FULL the server says so of every column. */
  readonly key: boolean;
  readonly typeOid: number;
  /** -1 when the type has none. */
  readonly typeModifier: number;
}
