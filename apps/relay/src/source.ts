/** What a relay must find in Postgres before it may stream, and what it agreed on with the last checkpoint. */
import { createHash } from 'node:crypto';
import { readTypes, type TypeRows } from '@diptych/change/read-types';
import type { Checkpoint } from '@diptych/kafka/checkpoint';
import { OperatingError } from '@diptych/runtime/failure';
import type { Catalogue } from '@diptych/wal/catalogue';
import { existingObjects, inspectPublications, type Publication } from '@diptych/wal/publication';
import type { Configuration } from './configuration.ts';
import { isWanted, wantsRoots } from './publications.ts';

/** What a checkpoint says of each publication. */
export type AgreedPublications = Checkpoint['publications'];

/** Both publications, which must exist: PostgreSQL 18 only warns about a missing one, and goes on sending nothing. */
export async function requirePublications(
  catalogue: Catalogue,
  configuration: Configuration,
): Promise<Publication[]> {
  const names = [configuration.outbox.publication, configuration.change.publication];
  const found = await inspectPublications(catalogue, names);
  const missing = names.filter((name) => !found.some((publication) => publication.name === name));
  if (missing.length > 0) {
    throw new OperatingError('publication-lost', `publication ${missing.join(' and ')} does not exist`, {
      remedy:
        'Changes since it was dropped are not in the stream. `diptych run --accept-gap` goes on from here, and makes it anew ' +
        'where that is its matter; `diptych snapshot` reads the tables if you need what is missing.',
    });
  }
  return found;
}

/** The form that a checkpoint keeps. */
export function agreementOn(publications: readonly Publication[]): AgreedPublications {
  return Object.fromEntries(
    publications.map(({ name, oid, options, tables, memberships }) => [
      name,
      { oid, options, tables, memberships },
    ]),
  );
}

/**
 * Compares the publications with what the checkpoint agreed on. Another oid means dropped and made anew: changes in
 * between are lost. So are those of an operation that is no longer sent, of a table that was taken out (and perhaps put
 * back) or narrowed by a filter while it exists and the configuration wants it. What comes to it is welcome, and so is
 * the end of a table.
 */
export async function comparePublications(
  catalogue: Catalogue,
  {
    configuration,
    agreed,
    found,
  }: {
    configuration: Configuration;
    agreed: AgreedPublications;
    found: readonly Publication[];
  },
): Promise<void> {
  for (const [name, before] of Object.entries(agreed)) {
    const now = found.find((publication) => publication.name === name);
    if (now?.oid !== before.oid) {
      throw new OperatingError('publication-lost', `publication ${name} was dropped and made anew`, {
        remedy:
          'Changes in between are not in the stream: `diptych run --accept-gap` goes on without them, and ' +
          '`diptych snapshot` reads the tables if you need what is missing.',
      });
    }
    const missing = withoutOperations(before.options, now.options, wantsRoots(configuration, name));
    if (missing !== null) throw changed(name, `no longer sends as before: ${missing}`);
    const lost = before.memberships.filter((membership) => !now.memberships.includes(membership));
    const existing = lost.length === 0 ? new Map() : await existingObjects(catalogue, lost.map(oidOf));
    const isMissed = (table: string | null | undefined) =>
      table === null || (table !== undefined && isWanted(configuration, name, table));
    if (lost.some((membership) => isMissed(existing.get(oidOf(membership))))) {
      const gone = before.tables.filter(
        (table) => !now.tables.includes(table) && isWanted(configuration, name, table),
      );
      throw changed(
        name,
        gone.length > 0 ? `no longer holds ${gone.join(', ')}` : 'holds a table under other terms',
      );
    }
  }
}

/** What the options had and have no more. Partitions may be placed anew as the configuration has it: all are sent. */
function withoutOperations(before: string, now: string, wantsRoots: boolean): string | null {
  const viaRoot = now.split(',').includes('via-root');
  if (before.split(',').includes('via-root') !== viaRoot && viaRoot !== wantsRoots)
    return 'publish_via_partition_root changed';
  const gone = before
    .split(',')
    .filter((option) => option !== 'via-root' && !now.split(',').includes(option));
  return gone.length > 0 ? gone.join(', ') : null;
}

const oidOf = (membership: string): string => membership.split(':')[0] ?? '';

const changed = (name: string, what: string): OperatingError =>
  new OperatingError('publication-changed', `publication ${name} ${what}`, {
    remedy:
      'Changes since then are not in the stream. Set the publication as it has to be; ' +
      '`diptych run --accept-gap` goes on without them; `diptych snapshot` reads the tables if you need what is missing.',
  });

/** The tables of one of them, `schema.table`. */
export function tablesOf(publications: readonly Publication[], name: string): ReadonlySet<string> {
  return new Set(publications.find((publication) => publication.name === name)?.tables);
}

/**
 * What decides how one transaction is cut into raw messages: a transaction that is published in part can only be
 * continued with the same options, because `seq` counts these messages.
 */
export function optionsHash(publications: readonly Publication[]): string {
  const options = {
    protocol: 1,
    messages: true,
    origin: 'any',
    publications: publications.map(({ name, options }) => `${name} ${options}`).toSorted(),
  };
  return createHash('sha256').update(JSON.stringify(options)).digest('hex').slice(0, 16);
}

/**
 * Primary keys of all tables: pgoutput flags all columns as key with replica identity FULL. By the table's oid, because its
 * name may have changed since the change was written.
 */
async function readPrimaryKeys(catalogue: Catalogue): Promise<ReadonlyMap<number, readonly string[]>> {
  const rows = await catalogue.query<{ oid: number; columns: string[] }>(`
    select c.oid, array_agg(a.attname::text order by k.place) as columns
    from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace,
      unnest(i.indkey::int2[]) with ordinality k(number, place), pg_attribute a
    where i.indisprimary and a.attrelid = c.oid and a.attnum = k.number
      and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
    group by 1`);
  return new Map(rows.map(({ oid, columns }) => [oid, columns]));
}

/** What the catalogue knows of tables and types, and the stream does not tell. */
export interface Described {
  /** By the table's oid. */
  readonly primaryKeys: ReadonlyMap<number, readonly string[]>;
  readonly types: TypeRows;
}

/** Throws OperatingError. */
export async function describeTables(catalogue: Catalogue): Promise<Described> {
  return { primaryKeys: await readPrimaryKeys(catalogue), types: await readTypes(catalogue) };
}

/** Whether the failure says that changes are missing: what `--accept-gap` accepts. */
export const isGap = (error: unknown): error is OperatingError =>
  error instanceof OperatingError &&
  (error.code === 'publication-lost' || error.code === 'publication-changed');
