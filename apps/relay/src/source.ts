/** What a relay must find in Postgres before it may stream, and what it agreed on with the last checkpoint. */
import { createHash } from 'node:crypto';
import { OperatingError } from '@diptych/runtime/failure';
import type { Catalogue } from '@diptych/wal/catalogue';
import { inspectPublications, type Publication } from '@diptych/wal/publication';
import type { Configuration } from './configuration.ts';

/** What a checkpoint says of each publication. */
export type AgreedPublications = Readonly<
  Record<string, { readonly oid: number; readonly tables: readonly string[] }>
>;

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
        'Changes since it was dropped are not in the stream. Run `diptych init` to create it, then ' +
        '`diptych run --accept-gap` to go on from here.',
    });
  }
  return found;
}

/** The form that a checkpoint keeps. */
export function agreementOn(publications: readonly Publication[]): AgreedPublications {
  return Object.fromEntries(publications.map(({ name, oid, tables }) => [name, { oid, tables }]));
}

/**
 * Compares the publications with what the checkpoint agreed on. Another oid means dropped and made anew: changes in
 * between are lost. A table that was taken out while it still exists loses its changes too. A new table is welcome.
 */
export async function comparePublications(
  catalogue: Catalogue,
  { agreed, found }: { agreed: AgreedPublications; found: readonly Publication[] },
): Promise<void> {
  for (const [name, before] of Object.entries(agreed)) {
    const now = found.find((publication) => publication.name === name);
    if (now?.oid !== before.oid) {
      throw new OperatingError('publication-lost', `publication ${name} was dropped and made anew`, {
        remedy: 'Changes in between are not in the stream: `diptych run --accept-gap` goes on without them.',
      });
    }
    const gone = before.tables.filter((table) => !now.tables.includes(table));
    const existing = gone.length === 0 ? [] : await existingTables(catalogue, gone);
    if (existing.length > 0) {
      throw new OperatingError(
        'publication-changed',
        `publication ${name} no longer holds ${existing.join(', ')}`,
        {
          remedy: `Add it again with \`alter publication ${name} add table …\`, or go on without it: \`diptych run --accept-gap\`.`,
        },
      );
    }
  }
}

/** The tables of one of them, `schema.table`. */
export function tablesOf(publications: readonly Publication[], name: string): ReadonlySet<string> {
  return new Set(publications.find((publication) => publication.name === name)?.tables);
}

async function existingTables(catalogue: Catalogue, qualified: readonly string[]): Promise<string[]> {
  const rows = await catalogue.query<{ name: string }>(
    `select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname || '.' || c.relname = any($1) and c.relkind in ('r', 'p')`,
    [qualified],
  );
  return rows.map((row) => row.name);
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

/** Primary keys of all tables, by `schema.table`: pgoutput flags all columns as key with replica identity FULL. */
export async function readPrimaryKeys(catalogue: Catalogue): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await catalogue.query<{ name: string; columns: string[] }>(`
    select n.nspname || '.' || c.relname as name, array_agg(a.attname::text order by k.place) as columns
    from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace,
      unnest(i.indkey::int2[]) with ordinality k(number, place), pg_attribute a
    where i.indisprimary and a.attrelid = c.oid and a.attnum = k.number
      and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
    group by 1`);
  return new Map(rows.map(({ name, columns }) => [name, columns]));
}

/** Whether the failure says that changes are missing: what `--accept-gap` accepts. */
export const isGap = (error: unknown): error is OperatingError =>
  error instanceof OperatingError &&
  (error.code === 'publication-lost' || error.code === 'publication-changed');
