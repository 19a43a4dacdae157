/** `diptych init --sql`: what an administrator has to run so that the relay may work, and no more. Changes nothing. */
import { type Catalogue, openCatalogue, quoteIdentifier, quoteLiteral } from '@diptych/wal/catalogue';
import { supportsFailover } from '@diptych/wal/failover';
import { inspectPublications, quotedName, type TableName } from '@diptych/wal/publication';
import { unfitStatements, type WantedPublication } from '@diptych/wal/publication-upkeep';
import { requireUsableIdentity } from '@diptych/wal/table';
import type { Configuration } from '../configuration.ts';
import { wantedPublications } from '../publications.ts';

/**
 * The statements as SQL to be read first, and run by somebody who may create roles and owns the tables: role, grants,
 * publications; of the slot how it is made. The relay then runs as that role with `publication: given`. What is there
 * already is left out. Throws OperatingError.
 */
export async function privilegeScript({
  configuration,
  role,
}: {
  configuration: Configuration;
  role: string;
}): Promise<string> {
  const catalogue = await openCatalogue(configuration.database.url);
  try {
    const { outbox, change } = await wantedPublications(catalogue, configuration);
    requireUsableIdentity([...outbox.tables], { viaRoot: false });
    requireUsableIdentity([...change.tables], change);
    const found = await inspectPublications(catalogue, [outbox.name, change.name]);
    const publications = [outbox, change].flatMap((wanted) =>
      unfitStatements(
        found.find(({ name }) => name === wanted.name),
        wanted,
        wanted.operations,
      ),
    );
    const statements = (lines: readonly string[]) => lines.map((line) => `${line};`);
    const roles = await roleStatements(catalogue, role);
    // A line break would end the comment.
    const shown = role.replaceAll(/[\r\n]/g, ' ');
    return [
      `-- What ${shown} needs to relay the slot ${configuration.slot}. Nothing was changed: read it, then run it as the tables' owner.`,
      '',
      '-- The role. It may read the write-ahead log of the whole server: give it to nobody else.',
      ...statements(roles),
      `-- Its password is nobody's business but yours: \\password ${quoteIdentifier(shown)}`,
      '',
      '-- What it may read: for snapshots, and for what is looked up again. It may write nothing.',
      ...statements(grants([...outbox.tables, ...change.tables], role)),
      '',
      '-- What the log shows of the tables. The relay only compares it: set DIPTYCH_PUBLICATION=given.',
      ...statements(publications),
      '',
      '-- The slot is made by `diptych init`, together with the first checkpoint: REPLICATION is enough for it. By hand it is',
      `--   select pg_create_logical_replication_slot(${await slotArguments(catalogue, configuration)});`,
      '-- and `diptych init --from-slot` then. A slot that nobody reads fills the disk.',
      '',
    ].join('\n');
  } finally {
    await catalogue.close();
  }
}

async function roleStatements(catalogue: Catalogue, role: string): Promise<string[]> {
  const name = quoteIdentifier(role);
  const [row] = await catalogue.query<{ database: string; able: boolean | null }>(
    `select current_database() as database,
       (select rolcanlogin and (rolreplication or rolsuper) from pg_roles where rolname = $1) as able`,
    [role],
  );
  const connect = `grant connect on database ${quoteIdentifier(row?.database ?? '')} to ${name}`;
  if (row?.able === true) return [connect];
  const make = row?.able === false ? 'alter' : 'create';
  return [`${make} role ${name} with login replication`, connect];
}

/** A partition's rows are read under its own name, too. */
function grants(
  tables: readonly Pick<WantedPublication['tables'][number], 'schema' | 'name' | 'partitions'>[],
  role: string,
): string[] {
  const all: TableName[] = tables.flatMap((table) => [table, ...table.partitions]);
  const schemas = [...new Set(all.map(({ schema }) => schema))].toSorted();
  const to = `to ${quoteIdentifier(role)}`;
  return [
    ...schemas.map((schema) => `grant usage on schema ${quoteIdentifier(schema)} ${to}`),
    ...(all.length > 0 ? [`grant select on table ${all.map(quotedName).join(', ')} ${to}`] : []),
  ];
}

async function slotArguments(catalogue: Catalogue, { slot, failover }: Configuration): Promise<string> {
  const name = quoteLiteral(slot);
  const synchronised = failover && (await supportsFailover(catalogue));
  return synchronised ? `${name}, 'pgoutput', failover => true` : `${name}, 'pgoutput'`;
}
