/** The columns of a table's change events, as their settings have them. */
import { isUtf8 } from 'node:buffer';
import type { Relation } from '@diptych/pgoutput/relation';
import type { ColumnRules } from './column-rules.ts';
import type { TypeCatalogue } from './type-catalogue.ts';
import { placeholderFor } from './unchanged-values.ts';
import { unrepresentable } from './unrepresentable.ts';
import type { ValueModes } from './value-modes.ts';
import { type ConnectSchema, valueSchema } from './value-schema.ts';
import { type ValueWriter, writeText } from './value-writer.ts';
import { valueWriter } from './values.ts';

/** How the rows of all tables are represented. */
export interface Representation {
  readonly types: TypeCatalogue;
  readonly modes: ValueModes;
  readonly columns: ColumnRules;
  /** What stands for a TOASTed value that was not sent; null: it is left out, and named in `unchanged`. */
  readonly placeholder: string | null;
  /** Whether each key and value carries its Connect schema. */
  readonly schemas: 'none' | 'inline';
}

/** What is known of a column before the first row comes. */
export interface ColumnPlan {
  /** Of its values. */
  readonly schema: ConnectSchema & { readonly field: string };
  readonly column: string;
  /** `"name"`, escaped. */
  readonly name: Buffer;
  /** `"name":` */
  readonly label: Buffer;
  readonly write: ValueWriter;
  /** Writes the text itself, masked where the value is. */
  readonly writeText: ValueWriter;
  /** Part of the replica identity, so that it stands in a row before that holds only the key. */
  readonly identity: boolean;
  /** JSON that stands for a value that was not sent. */
  readonly placeholder: Buffer | null;
  /** Stands in `before` and `after`. */
  readonly included: boolean;
}

/** Of varchar(n) and char(n): https://www.postgresql.org/docs/18/catalog-pg-attribute.html, atttypmod counts a header of four bytes. */
function charactersMax(typeOid: number, typeModifier: number): number {
  const isLimited = (typeOid === 1042 || typeOid === 1043) && typeModifier > 4;
  return isLimited ? typeModifier - 4 : Number.POSITIVE_INFINITY;
}

const notUtf8 =
  'The database has the encoding SQL_ASCII, so nobody checked what was written. Correct the row, or have the column left out, ' +
  'masked or hashed (`change.columns`). This change can be parked (`change.onPoison`) or skipped (docs/parking.md).';

/** JSON is UTF-8: other bytes would make a record that no reader can read. */
const ifUtf8 =
  (write: ValueWriter): ValueWriter =>
  (out, bytes, start, end) => {
    if (!isUtf8(bytes.subarray(start, end))) unrepresentable('a text that is no UTF-8', notUtf8);
    write(out, bytes, start, end);
  };

/** For a person: what cannot be read stands as U+FFFD. */
const writeLegibly: ValueWriter = (out, bytes, start, end) =>
  out.string(Buffer.from(bytes.toString('utf8', start, end)));

/** The plan of the column at `index`; `identity` names the columns of a row before that holds only the key. */
export function columnPlan(
  { schema, table, columns }: Relation,
  { index, identity }: { index: number; identity: readonly string[] },
  { types, modes, columns: rules, placeholder }: Representation,
): ColumnPlan {
  const { name = '', typeOid = 0, typeModifier = -1 } = columns[index] ?? {};
  const qualified = `${schema}.${table}.${name}`;
  const type = types.of(typeOid);
  const choice = { modifier: typeModifier, modes, moneyDigits: types.moneyDigits };
  const own = valueWriter(type, choice);
  const replacement = rules.replacement(qualified, charactersMax(typeOid, typeModifier));
  const { areTextsChecked } = types;
  const asIs = own ?? writeText;
  const shape = replacement ? { type: 'string' } : valueSchema(type, choice);
  return {
    schema: { ...shape, optional: true, field: name },
    column: name,
    name: Buffer.from(JSON.stringify(name)),
    label: Buffer.from(`${JSON.stringify(name)}:`),
    // A key needs its columns also when Debezium would leave their type out.
    write: replacement ?? (areTextsChecked ? asIs : ifUtf8(asIs)),
    writeText: replacement ?? (areTextsChecked ? writeText : writeLegibly),
    identity: identity.includes(name),
    placeholder: placeholder === null ? null : placeholderFor(type, placeholder, modes),
    included: own !== null && rules.includes(qualified),
  };
}
