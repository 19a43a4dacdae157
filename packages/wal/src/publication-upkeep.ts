/** A publication compared with what it is to be, and made so: by the statements that an operator would run. */
import { OperatingError } from '@diptych/runtime/failure';
import { type Catalogue, openCatalogue, quoteIdentifier, quoteLiteral } from './catalogue.ts';
import { type Lsn, parseLsn } from './lsn.ts';
import {
  inspectPublications,
  type Publication,
  qualifiedName,
  quotedName,
  type TableName,
} from './publication.ts';
import type { Table } from './table.ts';

export interface WantedPublication {
  readonly name: string;
  readonly tables: readonly Pick<Table, 'schema' | 'name' | 'isPartitioned' | 'partitions'>[];
  /** Whether partitions appear as their root. */
  readonly viaRoot: boolean;
}

/** What a publication would have to change. */
export interface Drift {
  readonly missing: WantedPublication['tables'];
  readonly surplus: readonly TableName[];
  /** What `publish_via_partition_root` has to become; null: it does, or no table has partitions. */
  readonly viaRoot: boolean | null;
}

/** One for all tables or for schemas follows no list of tables: nothing of it drifts but its option. */
export function driftOf({ members, options }: Publication, wanted: WantedPublication): Drift {
  const isSame = (one: TableName) => (other: TableName) =>
    one.schema === other.schema && one.name === other.name;
  const isOther = options.split(',').includes('via-root') !== wanted.viaRoot;
  return {
    missing: members === null ? [] : wanted.tables.filter((table) => !members.some(isSame(table))),
    surplus: (members ?? []).filter((member) => !wanted.tables.some(isSame(member))),
    viaRoot: isOther && wanted.tables.some(({ isPartitioned }) => isPartitioned) ? wanted.viaRoot : null,
  };
}

export const isInStep = ({ missing, surplus, viaRoot }: Drift): boolean =>
  missing.length === 0 && surplus.length === 0 && viaRoot === null;

export function createStatement({ name, tables, viaRoot }: WantedPublication): string {
  const forTables = tables.length > 0 ? ` for table ${tables.map(quotedName).join(', ')}` : '';
  return `create publication ${quoteIdentifier(name)}${forTables} with (publish_via_partition_root = ${viaRoot})`;
}

export const addStatement = (name: string, tables: readonly TableName[]): string =>
  `alter publication ${quoteIdentifier(name)} add table ${tables.map(quotedName).join(', ')}`;

export const dropStatement = (name: string, tables: readonly TableName[]): string =>
  `alter publication ${quoteIdentifier(name)} drop table ${tables.map(quotedName).join(', ')}`;

export const viaRootStatement = (name: string, viaRoot: boolean): string =>
  `alter publication ${quoteIdentifier(name)} set (publish_via_partition_root = ${viaRoot})`;

/** What was done. */
export interface Upkeep {
  readonly created: boolean;
  readonly added: readonly TableName[];
  readonly removed: readonly TableName[];
  /** Tables that are not wanted, and are still there because nothing may be taken out. */
  readonly left: readonly TableName[];
  /** What `publish_via_partition_root` became; null: it stayed. */
  readonly viaRoot: boolean | null;
  /** Tables that the server did not take, with its words. */
  readonly refused: readonly { readonly table: TableName; readonly failure: OperatingError }[];
  /** Behind it, everything is sent as it is now. */
  readonly position: Lsn;
}

/** A table is locked only against VACUUM, CREATE INDEX and ALTER TABLE meanwhile; who runs these is not waited for long. */
const lockTimeoutMs = 5000;

/**
 * Makes the publication as it is to be, one at a time among those that do so. Without `mayTakeOut` nothing is taken from what
 * the stream has now: tables are added, and that is all. Throws OperatingError, except over a table that cannot be added.
 */
export async function bringInStep(
  databaseUrl: string,
  wanted: WantedPublication,
  { mayTakeOut }: { readonly mayTakeOut: boolean },
): Promise<Upkeep> {
  const { name } = wanted;
  const catalogue = await openCatalogue(databaseUrl);
  try {
    await catalogue.query(`set lock_timeout = ${lockTimeoutMs}`);
    // Until the connection ends.
    await catalogue.query(`select pg_advisory_lock(hashtext('diptych publication'), hashtext($1))`, [name]);
    const [found] = await inspectPublications(catalogue, [name]);
    if (!found) {
      await run(catalogue, createStatement(wanted));
      const nothing = { removed: [], left: [], viaRoot: null, refused: [] };
      return { ...nothing, created: true, added: wanted.tables, position: await positionOf(catalogue) };
    }
    const { missing, surplus, viaRoot } = driftOf(found, wanted);
    if (mayTakeOut && viaRoot !== null) await run(catalogue, viaRootStatement(name, viaRoot));
    // What replaces another comes before that one goes: a root before its partition.
    const { added, refused } = await add(catalogue, {
      name,
      missing: mayTakeOut ? missing : withoutPartitions(missing, viaRoot),
    });
    if (mayTakeOut && surplus.length > 0) await run(catalogue, dropStatement(name, surplus));
    return {
      ...{ created: false, added, refused },
      removed: mayTakeOut ? surplus : [],
      left: mayTakeOut ? [] : surplus,
      viaRoot: mayTakeOut ? viaRoot : null,
      position: await positionOf(catalogue),
    };
  } finally {
    await catalogue.close();
  }
}

/** Only who owns the publication changes it, and only who owns a table adds it. */
async function run(catalogue: Catalogue, statement: string): Promise<void> {
  try {
    await catalogue.query(statement);
  } catch (error) {
    if (!(error instanceof OperatingError) || error.code !== 'postgres-privilege-missing') throw error;
    throw new OperatingError(error.code, error.message, {
      remedy: `Let the owner run \`${statement}\`, or make the role one; with \`publication: given\` nothing is changed by it.`,
      cause: error.cause,
    });
  }
}

/** A partitioned table must not be published in the other way until the option can follow. */
export const withoutPartitions = (missing: Drift['missing'], viaRoot: Drift['viaRoot']): Drift['missing'] =>
  viaRoot === null ? missing : missing.filter(({ isPartitioned }) => !isPartitioned);

/** One by one: a table of somebody else, or one that is gone, keeps none of the others out. */
async function add(
  catalogue: Catalogue,
  { name, missing }: { name: string; missing: readonly TableName[] },
): Promise<Pick<Upkeep, 'added' | 'refused'>> {
  const added: TableName[] = [];
  const refused: { table: TableName; failure: OperatingError }[] = [];
  for (const table of missing) {
    try {
      await run(catalogue, addStatement(name, [table]));
      added.push(table);
    } catch (failure) {
      if (!(failure instanceof OperatingError) || failure.code === 'postgres-unreachable') throw failure;
      refused.push({ table, failure });
    }
  }
  return { added, refused };
}

async function positionOf(catalogue: Catalogue): Promise<Lsn> {
  const [row] = await catalogue.query<{ lsn: string }>('select pg_current_wal_insert_lsn() as lsn');
  return parseLsn(row?.lsn ?? '');
}

/** Which operations a publication has to send. */
export type Operation = 'insert' | 'update' | 'delete' | 'truncate';

/**
 * The statements by which its owner makes a publication fit; empty when it does. What it publishes counts, and not how it
 * was told to: for all tables, by schemas, or partition by partition.
 */
export function unfitStatements(
  found: Publication | undefined,
  wanted: WantedPublication,
  operations: readonly Operation[],
): readonly string[] {
  if (!found) return [createStatement(wanted)];
  const { name, tables, members, options } = found;
  const has = options.split(',');
  const { missing, surplus, viaRoot } = driftOf(found, wanted);
  const statements: string[] = [];
  if (operations.some((operation) => !has.includes(operation))) {
    const all = [...new Set([...has.filter(isOperation), ...operations])].join(', ');
    statements.push(`alter publication ${quoteIdentifier(name)} set (publish = ${quoteLiteral(all)})`);
  }
  if (viaRoot !== null) statements.push(viaRootStatement(name, viaRoot));
  const sentAs = (table: WantedPublication['tables'][number]) =>
    (table.isPartitioned && !wanted.viaRoot ? table.partitions : [table]).map(qualifiedName);
  const asSent = new Set(wanted.tables.flatMap(sentAs));
  const isBeyond = tables.some((one) => !asSent.has(one));
  const lacking = wanted.tables.filter((table) => sentAs(table).some((one) => !tables.includes(one)));
  if (!isBeyond && lacking.length === 0) return statements;
  if (members !== null) {
    if (missing.length > 0) statements.push(addStatement(name, missing));
    if (surplus.length > 0) statements.push(dropStatement(name, surplus));
    return statements;
  }
  // Its option decides first what it sends.
  if (viaRoot !== null) return statements;
  // Nothing can be taken out of all tables.
  if (isBeyond) return [`drop publication ${quoteIdentifier(name)}`, createStatement(wanted)];
  return [...statements, addStatement(name, lacking)];
}

const isOperation = (option: string): option is Operation =>
  option === 'insert' || option === 'update' || option === 'delete' || option === 'truncate';
