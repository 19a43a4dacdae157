import type { Before } from '@diptych/pgoutput/message';
import type { Relation } from '@diptych/pgoutput/relation';
import { nullStart, type Row, unchangedStart } from '@diptych/pgoutput/row';
import type { JsonWriter } from './json-writer.ts';
import { type ValueWriter, valueWriter } from './values.ts';

const comma = 0x2c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const jsonNull = Buffer.from('null');

/** The primary key's columns as the catalogue knows them; null when the table has none or is not known. */
export type PrimaryKeys = (relation: Relation) => readonly string[] | null;

interface ColumnPlan {
  /** `"name"`, escaped. */
  readonly name: Buffer;
  readonly write: ValueWriter;
  /** Part of the replica identity, so that it stands in a row before that holds only the key. */
  readonly identity: boolean;
}

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

  constructor(relation: Relation, { topic, primaryKeys }: { topic: string; primaryKeys: PrimaryKeys }) {
    this.topic = topic;
    this.collection = `${relation.schema}.${relation.table}`;
    this.source = Buffer.from(
      `"schema":${JSON.stringify(relation.schema)},"table":${JSON.stringify(relation.table)}`,
    );
    this.#columns = relation.columns.map(({ name, typeOid, key }) => ({
      name: Buffer.from(JSON.stringify(name)),
      write: valueWriter(typeOid),
      identity: key,
    }));
    this.#all = this.#columns.map((_, index) => index);
    this.#identity = this.#all.filter((index) => this.#columns[index]?.identity);
    this.#key = keyColumns(relation, primaryKeys);
  }

  /** False: the table's records have no key and no tombstones. */
  get hasKey(): boolean {
    return this.#key !== null;
  }

  /** The record's key, `{pk columns}` in the table's order; null for a table without one. */
  key(out: JsonWriter, row: Row, before: Before | null): Buffer | null {
    if (this.#key === null) return null;
    this.#object(out, { columns: this.#key, row, before });
    return out.take();
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

  /** `,"unchanged":[…]`: the TOASTed columns that were not sent; nothing when none is missing. */
  writeUnchanged(out: JsonWriter, row: Row, before: Before | null): void {
    let any = false;
    for (let column = 0; column < this.#columns.length; column += 1) {
      if (this.#holder(column, row, before) !== null) continue;
      if (any) out.byte(comma);
      else {
        out.ascii(',"unchanged":');
        out.byte(openBracket);
      }
      any = true;
      out.raw((this.#columns[column] as ColumnPlan).name);
    }
    if (any) out.byte(closeBracket);
  }

  /**
   * Whether an update moved the row to another key. The server sends the key before also when it only is stored out of
   * line, so its bytes are compared. Without a row before, the key is the same.
   */
  keyChanged(before: Before | null, after: Row): boolean {
    if (before === null || this.#key === null) return false;
    return this.#key.some(
      (column) => after.start(column) !== unchangedStart && !sameValue(column, before.row, after),
    );
  }

  #object(
    out: JsonWriter,
    { columns, row, before }: { columns: readonly number[]; row: Row; before: Before | null },
  ): void {
    let separator = openBrace;
    for (const column of columns) {
      const holder = this.#holder(column, row, before);
      if (holder === null) continue;
      out.byte(separator);
      separator = comma;
      const { name, write } = this.#columns[column] as ColumnPlan;
      out.raw(name);
      out.byte(0x3a);
      const start = holder.start(column);
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

/**
 * Key columns as of the change: those that the Relation message flags. With FULL it flags all, with NOTHING none; only
 * then the catalogue is asked, whose answer may be newer than the change: a column that the table did not have means no key.
 */
function keyColumns(relation: Relation, primaryKeys: PrimaryKeys): readonly number[] | null {
  const { columns, replicaIdentity } = relation;
  const isFlagged = replicaIdentity === 'default' || replicaIdentity === 'index';
  const names = isFlagged
    ? columns.filter(({ key }) => key).map(({ name }) => name)
    : (primaryKeys(relation) ?? []);
  const key = columns.flatMap(({ name }, index) => (names.includes(name) ? [index] : []));
  return key.length > 0 && key.length === names.length ? key : null;
}

function sameValue(column: number, one: Row, other: Row): boolean {
  const start = one.start(column);
  const otherStart = other.start(column);
  if (start < 0 || otherStart < 0) return start === otherStart;
  return one.bytes.compare(other.bytes, otherStart, other.end(column), start, one.end(column)) === 0;
}
