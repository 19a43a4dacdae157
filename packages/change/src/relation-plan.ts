import type { Before } from '@diptych/pgoutput/message';
import type { Relation } from '@diptych/pgoutput/relation';
import { nullStart, type Row, unchangedStart } from '@diptych/pgoutput/row';
import { type ColumnPlan, columnPlan, type Representation } from './column-plan.ts';
import type { JsonWriter } from './json-writer.ts';
import { identityColumns, identityRemedy, keyColumns, type PrimaryKeys } from './record-key.ts';
import { type SchemaHead, type TableSchemas, tableSchemas } from './record-schema.ts';
import { unrepresentable } from './unrepresentable.ts';

const comma = 0x2c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const jsonNull = Buffer.from('null');

/** `schema.table`, as the `transaction` block and END name a table. */
export const collectionOf = ({ schema, table }: Relation): string => `${schema}.${table}`;

/** All that can be known of a table's change events before the first row comes; as long-lived as the Relation. */
export class RelationPlan {
  readonly topic: string;
  /** `schema.table`, as the `transaction` block and END name it. */
  readonly collection: string;
  /** `"schema":"…","table":"…"` of the source block. */
  readonly source: Buffer;
  readonly #columns: readonly ColumnPlan[];
  readonly #all: readonly number[];
  readonly #identity: readonly number[];
  readonly #key: readonly number[] | null;
  readonly #schemas: TableSchemas | null;
  /** What sends the key's columns with every change that needs them. */
  readonly #identityRemedy: string;
  #writing = 0;

  constructor(
    relation: Relation,
    options: { topic: string; primaryKeys: PrimaryKeys; representation: Representation },
  ) {
    const { topic, primaryKeys, representation } = options;
    this.topic = topic;
    this.collection = collectionOf(relation);
    this.source = Buffer.from(
      `"schema":${JSON.stringify(relation.schema)},"table":${JSON.stringify(relation.table)}`,
    );
    this.#identityRemedy = identityRemedy(relation);
    const identity = identityColumns(relation, primaryKeys);
    this.#columns = relation.columns.map((_, index) =>
      columnPlan(relation, { index, identity }, representation),
    );
    const places = this.#columns.map((_, index) => index);
    this.#all = places.filter((index) => this.#columns[index]?.included);
    this.#identity = this.#all.filter((index) => this.#columns[index]?.identity);
    this.#key = keyColumns(relation, representation.columns.keyOf(relation) ?? primaryKeys);
    const sent = relation.replicaIdentity === 'full' ? this.#key : this.#identity;
    this.#schemas =
      representation.schemas === 'none' ? null : this.#schemasOf(representation, { topic, sent });
  }

  /** What stands before a value; null when schemas are not sent. A closing brace ends such a record. */
  get valueHead(): SchemaHead | null {
    return this.#schemas?.value ?? null;
  }

  /** Of key and value; null when they are not sent. */
  get schemas(): TableSchemas | null {
    return this.#schemas;
  }

  /** `sent`: the columns that a row before has in any case. */
  #schemasOf(
    { placeholder }: Representation,
    { topic: name, sent }: { topic: string; sent: readonly number[] | null },
  ): TableSchemas {
    const schemaOf = (index: number) => (this.#columns[index] as ColumnPlan).schema;
    const key = (this.#key ?? []).map((index) => ({ ...schemaOf(index), optional: false }));
    const columns = this.#all.map((index) => {
      const required = this.#key?.includes(index) && sent?.includes(index);
      return { ...schemaOf(index), optional: !required };
    });
    return tableSchemas({ name, columns, key, unchanged: placeholder === null });
  }

  /** The column that was being written when a writer threw Unrepresentable. */
  get writing(): string {
    return `${this.collection}.${this.#columns[this.#writing]?.column}`;
  }

  /** The record's key, `{pk columns}` in the primary key's order; null for a table without one. Throws Unrepresentable. */
  key(out: JsonWriter, row: Row, before: Before | null): Buffer | null {
    return this.writeKey(out, row, before) ? out.take() : null;
  }

  /** As `key`, left where it was written; false for a table without one. */
  writeKey(out: JsonWriter, row: Row, before: Before | null): boolean {
    if (this.#key === null) return false;
    const missing = this.#key.find((index) => this.#holder(index, row, before) === null);
    if (missing !== undefined) this.#refuseKey(missing, 'a key column that was not sent');
    if (this.#schemas) out.raw(this.#schemas.key);
    this.#object(out, { columns: this.#key, row, before });
    if (this.#schemas) out.byte(closeBrace);
    return true;
  }

  /** The key of an updated row; throws Unrepresentable when nothing tells whether the row had it before. */
  keyAfter(out: JsonWriter, after: Row, before: Before | null): Buffer | null {
    this.#requireOldKey(before);
    return this.key(out, after, before);
  }

  /** As `keyAfter`, left where it was written. */
  writeKeyAfter(out: JsonWriter, after: Row, before: Before | null): boolean {
    this.#requireOldKey(before);
    return this.writeKey(out, after, before);
  }

  /** The key of the row before; throws Unrepresentable when it has not all of the key's columns. */
  keyBefore(out: JsonWriter, before: Before): Buffer | null {
    this.#requireOldKey(before);
    return this.key(out, before.row, null);
  }

  /** A column of the identity is never null: where it seems so, the row has another identity than its table. */
  #requireOldKey(before: Before | null): void {
    if (this.#key === null || before?.tag === 'row') return;
    const missing = this.#key.find(
      (index) => !this.#columns[index]?.identity || before?.row.start(index) === nullStart,
    );
    if (missing !== undefined)
      this.#refuseKey(missing, 'a key column that is not part of the replica identity');
  }

  #refuseKey(column: number, what: string): never {
    this.#writing = column;
    unrepresentable(what, this.#identityRemedy);
  }

  /** The row before: whole, or only its key's columns when only they were sent. */
  writeBefore(out: JsonWriter, before: Before | null): void {
    if (before === null) out.raw(jsonNull);
    else
      this.#object(out, {
        columns: before.tag === 'key' ? this.#identity : this.#all,
        row: before.row,
        before: null,
      });
  }

  /** The row after, without the columns that `writeUnchanged` names. */
  writeAfter(out: JsonWriter, row: Row | null, before: Before | null): void {
    if (row === null) out.raw(jsonNull);
    else this.#object(out, { columns: this.#all, row, before });
  }

  /** `,"unchanged":[…]`: the TOASTed columns that were not sent and have no placeholder; nothing when none is missing. */
  writeUnchanged(out: JsonWriter, row: Row, before: Before | null): void {
    let any = false;
    for (const column of this.#all) {
      const { name, placeholder } = this.#columns[column] as ColumnPlan;
      if (placeholder !== null || this.#holder(column, row, before) !== null) continue;
      if (any) out.byte(comma);
      else {
        out.ascii(',"unchanged":');
        out.byte(openBracket);
      }
      any = true;
      out.raw(name);
    }
    if (any) out.byte(closeBracket);
  }

  /** The texts of a row, for a person to look at: what is left of a record that cannot be made. */
  writeTexts(out: JsonWriter, row: Row | null): void {
    if (row === null) return out.raw(jsonNull);
    let separator = openBrace;
    for (const column of this.#all) {
      const start = row.start(column);
      if (start === unchangedStart) continue;
      const { name, writeText } = this.#columns[column] as ColumnPlan;
      out.byte(separator);
      separator = comma;
      out.raw(name);
      out.byte(0x3a);
      if (start === nullStart) out.raw(jsonNull);
      else writeText(out, row.bytes, start, row.end(column));
    }
    if (separator === openBrace) out.byte(openBrace);
    out.byte(closeBrace);
  }

  /**
   * Whether an update moved the row to another key. The server sends the key before also when it only is stored out of
   * line, so its bytes are compared. Without a row before, the key is the same.
   */
  keyChanged(before: Before | null, after: Row): boolean {
    if (before === null || this.#key === null) return false;
    return this.#key.some(
      (column) =>
        (before.tag === 'row' || this.#columns[column]?.identity) &&
        after.start(column) !== unchangedStart &&
        !sameValue(column, before.row, after),
    );
  }

  #object(
    out: JsonWriter,
    { columns, row, before }: { columns: readonly number[]; row: Row; before: Before | null },
  ): void {
    let separator = openBrace;
    for (const column of columns) {
      const holder = this.#holder(column, row, before);
      const { label, write, placeholder } = this.#columns[column] as ColumnPlan;
      if (holder === null && placeholder === null) continue;
      out.byte(separator);
      separator = comma;
      out.raw(label);
      if (holder === null) {
        out.raw(placeholder as Buffer);
        continue;
      }
      const start = holder.start(column);
      this.#writing = column;
      if (start === nullStart) out.raw(jsonNull);
      else write(out, holder.bytes, start, holder.end(column));
    }
    if (separator === openBrace) out.byte(openBrace);
    out.byte(closeBrace);
  }

  /** The row image that holds the column's value: a TOASTed value that was not sent may stand in the row before. */
  #holder(column: number, row: Row, before: Before | null): Row | null {
    if (row.start(column) !== unchangedStart) return row;
    if (before === null || before.row.start(column) === unchangedStart) return null;
    return before.tag === 'row' || this.#columns[column]?.identity ? before.row : null;
  }
}

function sameValue(column: number, one: Row, other: Row): boolean {
  const start = one.start(column);
  const otherStart = other.start(column);
  if (start < 0 || otherStart < 0) return start === otherStart;
  return one.bytes.compare(other.bytes, otherStart, other.end(column), start, one.end(column)) === 0;
}
