/** The tables that are published, or would be: as the catalogue has them. */
import type { Catalogue } from '@diptych/wal/catalogue';
import { inspectPublications, qualifiedName } from '@diptych/wal/publication';
import { listTables, type Table } from '@diptych/wal/table';
import { keysWithoutIdentity, type PublishedColumn, readColumns } from '../column-check.ts';
import { isBusinessTable } from '../configuration.ts';
import { outboxTables } from '../outboxes.ts';
import type { Wish } from './subject.ts';

export interface GeneratedColumn {
  readonly name: string;
  /** As SQL has them. */
  readonly quoted: string;
  readonly type: string;
  readonly expression: string;
  readonly isStored: boolean;
}

export interface WritingTrigger {
  readonly name: string;
  readonly quoted: string;
  readonly functionName: string;
}

export interface PublishedTable extends Table {
  readonly kind: 'outbox' | 'business';
  /** As SQL has it. */
  readonly quoted: string;
  /** Columns whose values may be stored out of line, when some are. */
  readonly toastColumns: readonly string[];
  readonly generated: readonly GeneratedColumn[];
  readonly writingTriggers: readonly WritingTrigger[];
  /** What could be its primary key, as SQL has it: `using index …`, or `(columns)` of a constraint. */
  readonly keyCandidate: string | null;
  readonly maySelect: boolean;
  readonly mayUseSchema: boolean;
  /** Policies decide which rows this role sees. */
  readonly isRowSecurityActive: boolean;
  readonly columns: readonly string[];
}

export interface UnloggedTable {
  /** `schema.table` */
  readonly name: string;
  /** As SQL has it. */
  readonly quoted: string;
  /** Whether an UPDATE of it can be published. */
  readonly hasIdentity: boolean;
}

export interface TableFacts {
  readonly tables: readonly PublishedTable[];
  /** Without WAL. */
  readonly unlogged: readonly UnloggedTable[];
  /** The role that asks, as SQL has it. */
  readonly role: string;
  readonly version: number;
  readonly chosenKeys: ReturnType<typeof keysWithoutIdentity>;
  readonly publishedColumns: readonly PublishedColumn[];
  /** Whether the change publication sends stored generated columns; null when it is not there. */
  readonly sendsGenerated: boolean | null;
}

interface Details {
  readonly qualified: string;
  readonly quoted: string;
  readonly toast_columns: string[];
  readonly generated: GeneratedColumn[];
  readonly triggers: WritingTrigger[];
  readonly key_candidate: string | null;
  readonly may_select: boolean;
  readonly may_use_schema: boolean;
  readonly row_security: boolean;
  readonly columns: string[];
}

/** A body of another language than SQL and PL/pgSQL is not read. */
const writes = String.raw`\m(insert\s+into|update\s+[^;]+\s+set|delete\s+from|truncate|merge\s+into)\M`;

const detailsSql = `
  select n.nspname || '.' || c.relname as qualified, format('%I.%I', n.nspname, c.relname) as quoted,
    case when exists (select from pg_partition_tree(c.oid) p join pg_class l on l.oid = p.relid
        where l.reltoastrelid <> 0 and pg_relation_size(l.reltoastrelid) > 0
        union all select where c.reltoastrelid <> 0 and pg_relation_size(c.reltoastrelid) > 0)
      then array(select attname::text from pg_attribute a where a.attrelid = c.oid and attnum > 0
        and not attisdropped and attlen = -1 and attstorage <> 'p' order by attnum) else '{}' end as toast_columns,
    (select coalesce(json_agg(json_build_object('name', attname, 'quoted', quote_ident(attname), 'isStored', attgenerated = 's',
        'type', format_type(atttypid, atttypmod), 'expression', pg_get_expr(d.adbin, d.adrelid)) order by attnum), '[]')
      from pg_attribute a join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attrelid = c.oid and attgenerated <> '' and not attisdropped) as generated,
    (select coalesce(json_agg(json_build_object('name', tgname, 'quoted', quote_ident(tgname),
        'functionName', p.oid::regproc::text) order by tgname), '[]')
      from pg_trigger t join pg_proc p on p.oid = t.tgfoid join pg_language l on l.oid = p.prolang
      where t.tgrelid = c.oid and not tgisinternal and tgenabled <> 'D' and l.lanname in ('plpgsql', 'sql')
        and p.prosrc ~* $2) as triggers,
    (select case when exists (select from pg_constraint k where k.conindid = i.oid)
        then (select '(' || string_agg(quote_ident(a.attname), ', ' order by k.place) || ')'
          from unnest(x.indkey::int2[]) with ordinality k(number, place) join pg_attribute a
            on a.attrelid = c.oid and a.attnum = k.number where k.place <= x.indnkeyatts)
        else 'using index ' || quote_ident(i.relname) end
      from pg_index x join pg_class i on i.oid = x.indexrelid
      where x.indrelid = c.oid and x.indisunique and x.indimmediate and x.indisvalid and x.indpred is null
        and not exists (select from unnest(x.indkey::int2[]) k(number) left join pg_attribute a
          on a.attrelid = c.oid and a.attnum = k.number where a.attnotnull is not true)
      order by x.indnatts, i.relname limit 1) as key_candidate,
    has_table_privilege(c.oid, 'select') as may_select, has_schema_privilege(n.oid, 'usage') as may_use_schema,
    row_security_active(c.oid) as row_security,
    array(select attname::text from pg_attribute a where a.attrelid = c.oid and attnum > 0 and not attisdropped) as columns
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname || '.' || c.relname = any($1) and c.relkind in ('r', 'p')`;

/** Throws OperatingError. */
export async function readTables(catalogue: Catalogue, { configuration }: Wish): Promise<TableFacts> {
  const { outbox, change } = configuration;
  const all = await listTables(catalogue);
  const found = await inspectPublications(catalogue, [outbox.publication, change.publication]);
  const published = new Set(found.flatMap(({ tables }) => tables));
  const outboxes = outboxTables(configuration);
  const kindOf = (table: Table): PublishedTable['kind'] | null => {
    const name = qualifiedName(table);
    if (outboxes.includes(name)) return 'outbox';
    // What a publication has can fail the application's statements, wanted or not.
    const isThere = [table, ...table.partitions].some((one) => published.has(qualifiedName(one)));
    return isThere || isBusinessTable(name, change) ? 'business' : null;
  };
  const names = all.filter((table) => kindOf(table) !== null).map(qualifiedName);
  const details = new Map(
    (await catalogue.query<Details>(detailsSql, [names, writes])).map((row) => [row.qualified, row]),
  );
  const publishedColumns = await readColumns(catalogue, change.publication);
  return {
    tables: all.flatMap((table) => {
      const kind = kindOf(table);
      const detail = details.get(qualifiedName(table));
      return kind && detail ? [publishedTable({ table, kind, detail })] : [];
    }),
    unlogged: await readUnlogged(
      catalogue,
      (name) => outboxes.includes(name) || isBusinessTable(name, change),
    ),
    publishedColumns,
    chosenKeys: keysWithoutIdentity(change, publishedColumns),
    ...(await readAround(catalogue, change.publication)),
  };
}

function publishedTable({
  table,
  kind,
  detail,
}: {
  readonly table: Table;
  readonly kind: PublishedTable['kind'];
  readonly detail: Details;
}): PublishedTable {
  return {
    ...table,
    ...{ kind, quoted: detail.quoted, toastColumns: detail.toast_columns, generated: detail.generated },
    ...{ writingTriggers: detail.triggers, keyCandidate: detail.key_candidate, columns: detail.columns },
    ...{ maySelect: detail.may_select, mayUseSchema: detail.may_use_schema },
    isRowSecurityActive: detail.row_security,
  };
}

async function readUnlogged(
  catalogue: Catalogue,
  isWanted: (qualified: string) => boolean,
): Promise<TableFacts['unlogged']> {
  const rows = await catalogue.query<UnloggedTable>(`
    select n.nspname || '.' || c.relname as name, format('%I.%I', n.nspname, c.relname) as quoted,
      c.relreplident in ('f', 'i') or c.relreplident = 'd'
        and exists (select from pg_index where indrelid = c.oid and indisprimary) as "hasIdentity"
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and c.relpersistence = 'u' order by 1`);
  return rows.filter(({ name }) => isWanted(name));
}

async function readAround(
  catalogue: Catalogue,
  publication: string,
): Promise<Pick<TableFacts, 'role' | 'version' | 'sendsGenerated'>> {
  const [row] = await catalogue.query<{ role: string; version: string; generated: string | null }>(
    `select quote_ident(current_user) as role, current_setting('server_version_num') as version,
       (select coalesce(to_jsonb(p) ->> 'pubgencols', 'n') from pg_publication p where pubname = $1) as generated`,
    [publication],
  );
  const generated = row?.generated ?? null;
  return {
    ...{ role: row?.role ?? '', version: Number(row?.version ?? 0) },
    sendsGenerated: generated === null ? null : generated === 's',
  };
}
