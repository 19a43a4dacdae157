import type { Catalogue } from '@diptych/wal/catalogue';
import type { TypeRow } from './type-catalogue.ts';

/** Oids below are those of built-in types: https://www.postgresql.org/docs/18/system-catalog-initial-data.html#SYSTEM-CATALOG-OID-ASSIGNMENT */
const firstOwnOid = 10_000;

/** What a TypeCatalogue is made of. */
export interface TypeRows {
  readonly rows: readonly TypeRow[];
  /** Decimal places of `money` in the server's locale. */
  readonly moneyDigits: number;
  /** False: the database has the encoding SQL_ASCII, whose texts are whatever bytes somebody wrote. */
  readonly areTextsChecked: boolean;
}

/**
 * The types that columns of tables have, and those these consist of, except the built-in ones. Throws OperatingError.
 * A type that came into use later is not known: the catalogue is to be asked again.
 */
export async function readTypes(catalogue: Pick<Catalogue, 'query'>): Promise<TypeRows> {
  const rows = await catalogue.query<{ type: TypeRow }>(`
    with recursive used(oid) as (
      select a.atttypid from pg_attribute a join pg_class c on c.oid = a.attrelid
      where c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped and a.atttypid >= ${firstOwnOid}
      union
      select part.oid from used join pg_type t on t.oid = used.oid, lateral (
        select t.typelem union all select t.typbasetype union all
        select a.atttypid from pg_attribute a
        where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
      ) part(oid)
      where part.oid >= ${firstOwnOid}
    )
    select json_build_object(
      'oid', t.oid::int8, 'name', t.typname, 'kind', t.typtype,
      'element', case when t.typsubscript = 'array_subscript_handler'::regproc then t.typelem::int8 else 0 end,
      'delimiter', t.typdelim, 'base', t.typbasetype::int8, 'modifier', t.typtypmod,
      'labels', (select json_agg(enumlabel order by enumsortorder) from pg_enum where enumtypid = t.oid),
      'fields', (
        select json_agg(json_build_object('name', attname, 'oid', atttypid::int8, 'modifier', atttypmod) order by attnum)
        from pg_attribute where attrelid = t.typrelid and t.typrelid <> 0 and attnum > 0 and not attisdropped)
    ) as type
    from used join pg_type t on t.oid = used.oid`);
  const [database] = await catalogue.query<{ digits: number; encoding: string }>(
    `select length(regexp_replace(1::money::text, '\\D', '', 'g')) - 1 as digits,
       current_setting('server_encoding') as encoding`,
  );
  return {
    rows: rows.map(({ type }) => type),
    moneyDigits: database?.digits ?? 2,
    // https://www.postgresql.org/docs/18/multibyte.html#MULTIBYTE-CHARSET-SUPPORTED: all others are converted for the client.
    areTextsChecked: database?.encoding !== 'SQL_ASCII',
  };
}
