import { hash } from 'node:crypto';

/** A row of the proof's tables, as JSON has it. */
export interface FoldedRow {
  readonly id: number;
  readonly kind: string;
  readonly note: string | null;
  readonly amount: string;
  readonly version: number;
}

/** Eight bytes of a hash stand for a row: 16 MB for two million. Zero is reserved for a row that is not there. */
const absent = 0n;

/** A table by the hashes of its rows, of ids from 1 on: what a topic folds to, or what the database has. */
export class Fold {
  #rows = new BigUint64Array(1 << 16);
  /** A bit for each id that came as read, by snapshot. */
  readonly #read = new Map<string, Uint8Array>();
  #repeated = 0;

  set(row: FoldedRow): void {
    this.#reserve(row.id);
    const { id, kind, note, amount, version } = row;
    const text = JSON.stringify([id, kind, note, amount, version]);
    this.#rows[id] = hash('sha1', text, 'buffer').readBigUInt64LE(0) | 1n;
  }

  delete(id: number): void {
    this.#reserve(id);
    this.#rows[id] = absent;
  }

  /** A change event as it was published; `snapshot` names the one that read it. */
  take(value: string, snapshot: string | null): void {
    const { op, before, after } = JSON.parse(value) as {
      op: string;
      before: FoldedRow | null;
      after: FoldedRow | null;
    };
    if (op === 'r' && after && snapshot) this.#countRead(after.id, snapshot);
    if (after) this.set(after);
    else if (before) this.delete(before.id);
  }

  /** Rows that one snapshot brought more than once. */
  get repeated(): number {
    return this.#repeated;
  }

  /** Ids of which the two do not say the same: how many, and the first few. */
  differences(other: Fold): { readonly count: number; readonly first: readonly number[] } {
    const end = Math.max(this.#rows.length, other.#rows.length);
    const first: number[] = [];
    let count = 0;
    for (let id = 0; id < end; id += 1) {
      if ((this.#rows[id] ?? absent) === (other.#rows[id] ?? absent)) continue;
      count += 1;
      if (first.length < 5) first.push(id);
    }
    return { count, first };
  }

  #countRead(id: number, snapshot: string): void {
    let bits = this.#read.get(snapshot) ?? new Uint8Array(1 << 16);
    if (id >>> 3 >= bits.length) {
      const larger = new Uint8Array((id >>> 2) + 1);
      larger.set(bits);
      bits = larger;
    }
    this.#read.set(snapshot, bits);
    const bit = 1 << (id & 7);
    const byte = bits[id >>> 3] ?? 0;
    if ((byte & bit) !== 0) this.#repeated += 1;
    bits[id >>> 3] = byte | bit;
  }

  #reserve(id: number): void {
    if (id < this.#rows.length) return;
    const larger = new BigUint64Array(2 * id);
    larger.set(this.#rows);
    this.#rows = larger;
  }
}

const pattern = /(?:^|,)diptych-snapshot:([^,]+)/;

/** Which snapshot a record is of, from the headers as the console consumer prints them. */
export const snapshotOf = (headers: string): string | null => pattern.exec(headers)?.[1] ?? null;
