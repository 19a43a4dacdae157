/** The columns that settings name, compared with those that there are. */
import { parseRule } from '@diptych/change/column-rules';
import { OperatingError } from '@diptych/runtime/failure';
import { patternExpression } from '@diptych/runtime/pattern';
import type { Catalogue } from '@diptych/wal/catalogue';
import type { Configuration } from './configuration.ts';

/** A column of a published table, as far as settings can be wrong about it. */
export interface PublishedColumn {
  /** `schema.table.column` */
  readonly name: string;
  /** Its values are text, which can be cut. */
  readonly isText: boolean;
  /** Part of the primary key. */
  readonly isKey: boolean;
  /** Its old value is sent with each UPDATE and DELETE that changes it: part of the replica identity, or that is FULL. */
  readonly isIdentity: boolean;
  /** Its table, as SQL has it. */
  readonly table: string;
}

type ColumnSettings = Pick<Configuration['change'], 'columns' | 'keyColumns'>;

/**
 * Throws `configuration-invalid`, which names setting and pattern, when a pattern fits no column, when a mask or a cut
 * would make keys of different rows the same, or when something else than text is to be cut.
 */
export function checkColumns(settings: ColumnSettings, columns: readonly PublishedColumn[]): void {
  const { include, exclude, mask, hash, truncate } = settings.columns;
  const named = { include, exclude, mask, hash, truncate };
  const lists = [
    ...Object.entries(named).map(([name, patterns]) => [`change.columns.${name}`, patterns] as const),
    ['change.keyColumns', settings.keyColumns] as const,
  ];
  const problems = lists.flatMap(([setting, patterns]) =>
    patterns.flatMap((pattern) => {
      const wrong = problemOf(setting, columns.filter(fits(pattern)));
      return wrong === null ? [] : [`${setting}: ${pattern} ${wrong}`];
    }),
  );
  if (problems.length === 0) return;
  throw new OperatingError('configuration-invalid', problems.join('; '), {
    remedy: 'Correct the settings named (docs/change-events.md), or put the table into the publication.',
  });
}

/**
 * Of tables whose chosen key is not part of their replica identity: the statement that makes it so. Their rows can be
 * inserted; an UPDATE or DELETE does not say under which key the row was, and makes no record.
 */
export function keysWithoutIdentity(
  { keyColumns }: Pick<ColumnSettings, 'keyColumns'>,
  columns: readonly PublishedColumn[],
): readonly { readonly column: string; readonly remedy: string }[] {
  const chosen = columns.filter((column) => keyColumns.some((pattern) => fits(pattern)(column)));
  return chosen
    .filter(({ isIdentity }) => !isIdentity)
    .map(({ name, table }) => ({ column: name, remedy: `alter table ${table} replica identity full` }));
}

/** The columns of the tables in a publication. Throws OperatingError. */
export async function readColumns(catalogue: Catalogue, publication: string): Promise<PublishedColumn[]> {
  const rows = await catalogue.query<{
    name: string;
    is_text: boolean;
    is_key: boolean;
    is_identity: boolean;
    table: string;
  }>(
    `select t.schemaname || '.' || t.tablename || '.' || a.attname as name, y.typcategory = 'S' as is_text,
       exists (select from pg_index i where i.indrelid = a.attrelid and i.indisprimary
         and a.attnum = any (i.indkey::int2[])) as is_key,
       c.relreplident = 'f' or exists (select from pg_index i where i.indrelid = a.attrelid
         and case c.relreplident when 'i' then i.indisreplident when 'd' then i.indisprimary end
         and a.attnum = any (i.indkey::int2[])) as is_identity,
       format('%I.%I', t.schemaname, t.tablename) as "table"
     from pg_publication_tables t
       join pg_namespace n on n.nspname = t.schemaname
       join pg_class c on c.relnamespace = n.oid and c.relname = t.tablename
       join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       join pg_type y on y.oid = a.atttypid
     where t.pubname = $1`,
    [publication],
  );
  return rows.map(({ name, is_text: isText, is_key: isKey, is_identity: isIdentity, table }) => ({
    ...{ name, isText, isKey, isIdentity, table },
  }));
}

function problemOf(setting: string, fitting: readonly PublishedColumn[]): string | null {
  if (fitting.length === 0) return 'fits no column of a published table';
  const isLossy = setting.endsWith('.mask') || setting.endsWith('.truncate');
  const key = isLossy ? fitting.find(({ isKey }) => isKey) : undefined;
  if (key) return `would give rows of ${key.name} one key: hash it instead`;
  const other = setting.endsWith('.truncate') ? fitting.find(({ isText }) => !isText) : undefined;
  return other ? `cannot cut ${other.name}, which is no text` : null;
}

function fits(pattern: string): (column: PublishedColumn) => boolean {
  const expression = patternExpression(parseRule(pattern).name);
  return ({ name }) => expression.test(name);
}
