/**
 * The time between the moment at which a chunk is asked for and the one at which the stream has brought all that the chunk
 * could see. What the stream brings of a row meanwhile is at least as new as what was read of it: the row is dropped.
 * docs/decisions/0017-snapshots-by-one-watermark.md
 */
import type { Before, DataMessage } from '@diptych/pgoutput/message';
import type { Relation } from '@diptych/pgoutput/relation';
import type { Row } from '@diptych/pgoutput/row';

/** A row is known by the texts of its key: the same here and there, because the sessions' settings are the same. */
export type Key = readonly string[];

/** No text of PostgreSQL holds it. */
const separator = '\0';

export class Window {
  readonly #read: Relation;
  readonly #columns: readonly string[];
  readonly #keysMax: number;
  readonly #touched = new Set<string>();
  #truncated = false;
  #lost = false;
  #seen: Relation | null = null;
  #places: readonly number[] = [];

  /** `relation`: as it is read. `keysMax`: how many keys are kept; with more the window is lost, and the chunk is read anew. */
  constructor({ relation, key, keysMax }: { relation: Relation; key: readonly string[]; keysMax: number }) {
    this.#read = relation;
    this.#columns = key;
    this.#keysMax = keysMax;
  }

  /** Takes a change of the stream, of whatever table. */
  take(message: DataMessage): void {
    switch (message.tag) {
      case 'message':
        return;
      case 'truncate':
        if (message.relations.some(({ oid }) => oid === this.#read.oid)) this.#truncated = true;
        return;
      case 'insert':
        return this.#touch(message.relation, { row: message.after, before: null });
      case 'update':
        if (message.before) this.#touch(message.relation, { row: message.before.row, before: null });
        return this.#touch(message.relation, { row: message.after, before: message.before });
      case 'delete':
        return this.#touch(message.relation, { row: message.before.row, before: null });
    }
  }

  /** What the stream brought is not known whole: the chunk has to be read anew. */
  get isLost(): boolean {
    return this.#lost;
  }

  /** Whether the stream has brought anything of the row with this key. */
  overtook(key: Key): boolean {
    return this.#truncated || this.#touched.has(key.join(separator));
  }

  #touch(relation: Relation, { row, before }: { row: Row; before: Before | null }): void {
    if (relation.oid !== this.#read.oid) return;
    if (relation !== this.#seen) this.#see(relation);
    if (this.#lost) return;
    const texts: string[] = [];
    for (const place of this.#places) {
      // A key stored out of line that was not changed stands in the row before.
      const text = row.text(place) ?? before?.row.text(place);
      if (text === undefined || text === null) {
        this.#lost = true;
        return;
      }
      texts.push(text);
    }
    this.#touched.add(texts.join(separator));
    if (this.#touched.size > this.#keysMax) this.#lost = true;
  }

  #see(relation: Relation): void {
    this.#seen = relation;
    this.#places = this.#columns.map((name) => placeOf(relation, name));
    // A value of another type has another text.
    const isOther = (name: string) => !isSameType(relation, this.#read, name);
    if (this.#columns.some(isOther)) this.#lost = true;
  }
}

const placeOf = ({ columns }: Relation, name: string): number =>
  columns.findIndex((column) => column.name === name);

function isSameType(one: Relation, other: Relation, name: string): boolean {
  const column = one.columns[placeOf(one, name)];
  const { typeOid, typeModifier } = other.columns[placeOf(other, name)] ?? {};
  return column !== undefined && column.typeOid === typeOid && column.typeModifier === typeModifier;
}
