/**
 * What changed in a row: PostgreSQL sends the row before an update only on request, so a digest of each column is
 * remembered from the changes that came earlier. For learning shapes, not for proving.
 */
import { stringifyLossless } from '@diptych/runtime/json';
import { type BaselineRow, type Change, type Operation, tableName } from './joined-transaction.ts';
import type { JsonObject } from './json-object.ts';
import { KeyedState } from './keyed-state.ts';
import type { StateColumns, StateValue } from './state-columns.ts';

/** What a change did to its row, by columns. */
export interface RowChange {
  /** `schema.table` */
  readonly table: string;
  readonly op: Operation;
  /** Of an update: those whose value changed, sorted; null when the row before is not known. Else empty. */
  readonly columns: readonly string[] | null;
  /** Old and new value of columns that may be of state; of an insert the new one alone. */
  readonly moves: readonly Move[];
}

export interface Move {
  readonly column: string;
  /** undefined: not known, or there was no row. */
  readonly from: StateValue | undefined;
  readonly to: StateValue;
}

/** About 200 bytes each; the one that was not changed for longest is forgotten first. */
const rowsMaxDefault = 200_000;

/** Characters of a digest: 36^7 is more than 2^32. */
const digestLength = 7;

export class RowMemory {
  /** By table, truncations so far and key: digests of the columns, one behind the other in the table's order. */
  readonly rows: KeyedState<string>;
  readonly #columns: Map<string, string[]>;
  readonly #truncations: Map<string, number>;
  readonly #state: StateColumns;

  constructor({
    state,
    rowsMax = rowsMaxDefault,
    saved,
  }: { state: StateColumns; rowsMax?: number; saved?: SavedRowMemory | undefined }) {
    this.#state = state;
    this.rows = new KeyedState({ residentMax: rowsMax });
    this.#columns = new Map(saved?.columns.map(([table, columns]) => [table, [...columns]]));
    this.#truncations = new Map(saved?.truncations);
  }

  /** What the change did; remembers the row as it is now. */
  take(change: Change): RowChange {
    const table = tableName(change);
    const { op, key } = change;
    if (op === 't') {
      this.#truncations.set(table, (this.#truncations.get(table) ?? 0) + 1);
      return { table, op, columns: [], moves: [] };
    }
    const place = this.#placeOf(table, key);
    const known = place === undefined ? undefined : this.rows.get(place);
    const before = change.before !== null && op === 'u' ? this.#digests(table, change.before) : known;
    const after = change.after === null ? undefined : this.#digests(table, change.after, known);
    if (place !== undefined) {
      if (after === undefined) this.rows.delete(place);
      else this.rows.set(place, after);
      this.rows.forgetOldest();
    }
    if (op === 'd' || change.after === null) return { table, op, columns: [], moves: [] };
    const columns = op === 'c' ? [] : before === undefined ? null : this.#changed(table, before, after ?? '');
    return { table, op, columns, moves: this.#moves(table, { change, before, after: after ?? '', columns }) };
  }

  /** Remembers a row as a snapshot read it. */
  takeBaseline(baseline: BaselineRow): void {
    const table = tableName(baseline);
    const place = this.#placeOf(table, baseline.key);
    if (place === undefined) return;
    this.rows.set(place, this.#digests(table, baseline.row));
    this.rows.forgetOldest();
  }

  /** Besides `rows`, what another one needs to go on from here. */
  save(): SavedRowMemory {
    return { columns: [...this.#columns], truncations: [...this.#truncations] };
  }

  #placeOf(table: string, key: JsonObject | null): string | undefined {
    // A row without a key cannot be found again.
    return key === null
      ? undefined
      : `${table} ${this.#truncations.get(table) ?? 0} ${stringifyLossless(key)}`;
  }

  /** A column that is not in the row (an unchanged TOASTed value) keeps its digest of before. */
  #digests(table: string, row: JsonObject, before = ''): string {
    const columns = this.#columns.get(table) ?? [];
    this.#columns.set(table, columns);
    for (const column of Object.keys(row)) if (!columns.includes(column)) columns.push(column);
    let digests = '';
    for (const [index, column] of columns.entries()) {
      const value = row[column];
      digests +=
        value === undefined
          ? before.slice(index * digestLength, (index + 1) * digestLength).padStart(digestLength)
          : digestOf(value);
    }
    return digests;
  }

  #changed(table: string, before: string, after: string): string[] {
    const columns = this.#columns.get(table) ?? [];
    return columns.filter((_column, index) => at(before, index) !== at(after, index)).sort();
  }

  #moves(table: string, { change, before, after: now, columns }: MovesOf): Move[] {
    const { op, key, after } = change;
    const known = this.#columns.get(table) ?? [];
    const moves: Move[] = [];
    for (const [index, column] of known.entries()) {
      const value = after?.[column];
      if (value === undefined || (key !== null && column in key)) continue;
      const to = this.#state.see({ table, column, value, digest: at(now, index) });
      if (to === undefined || (op === 'u' && columns?.includes(column) !== true)) continue;
      const from = before === undefined ? undefined : at(before, index);
      const old =
        from === undefined || op === 'c' ? undefined : this.#state.valueOf({ table, column, digest: from });
      if (op === 'u') this.#state.moved({ table, column });
      moves.push({ column, from: old, to });
    }
    return moves.sort((left, right) => (left.column < right.column ? -1 : 1));
  }
}

interface MovesOf {
  readonly change: Change;
  /** Digests of the row before, where it is known, and of the row now. */
  readonly before: string | undefined;
  readonly after: string;
  readonly columns: readonly string[] | null;
}

export interface SavedRowMemory {
  readonly columns: readonly (readonly [table: string, columns: readonly string[]])[];
  readonly truncations: readonly (readonly [table: string, count: number])[];
}

const at = (digests: string, index: number): string =>
  digests.slice(index * digestLength, (index + 1) * digestLength).padStart(digestLength);

/**
 * FNV-1a over UTF-16 units, 32 bits. Two values of one row that collide, one in four thousand million, look unchanged.
 * https://datatracker.ietf.org/doc/html/rfc9923
 */
function digestOf(value: unknown): string {
  const text = typeof value === 'string' ? `"${value}` : stringifyLossless(value);
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash >>> 0).toString(36).padStart(digestLength, '0');
}
