/** pgoutput's description of a table, as of the changes that follow it. */
export interface Relation {
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  readonly replicaIdentity: 'default' | 'nothing' | 'full' | 'index';
  readonly columns: readonly Column[];
}

export interface Column {
  readonly name: string;
  /** Part of the replica identity's key. */
  readonly key: boolean;
  readonly typeOid: number;
  /** -1 when the type has none. */
  readonly typeModifier: number;
}
