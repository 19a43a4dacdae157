/** The rows of one aggregate, folded from change events and from what snapshots read. */
import { stringifyLossless } from '@diptych/runtime/json';
import { type BaselineRow, type Change, tableName } from './joined-transaction.ts';
import type { JsonObject } from './json-object.ts';

/** Plain data: by table the rows, each by its key. */
export type SavedRows = readonly (readonly [
  table: string,
  rows: readonly (readonly [key: string, row: JsonObject])[],
])[];

export class AggregateRows {
  readonly #tables: Map<string, Map<string, JsonObject>>;

  constructor(saved: SavedRows = []) {
    this.#tables = new Map(saved.map(([table, rows]) => [table, new Map(rows)]));
  }

  /** The table's rows, as they stand after the last change. */
  of(table: string): readonly JsonObject[] {
    return [...(this.#tables.get(table)?.values() ?? [])];
  }

  /** Takes one change of a row, or a truncate, in. An unchanged TOASTed value stays as it was. */
  apply(change: Change): void {
    const rows = this.#rowsOf(tableName(change));
    // A row of a table without a primary key is known by all that it holds.
    const before = stringifyLossless(change.key ?? change.before);
    const after = stringifyLossless(change.key ?? change.after);
    switch (change.op) {
      case 'c':
        rows.set(after, change.after ?? {});
        break;
      case 'u': {
        const row = { ...rows.get(before), ...change.after };
        rows.delete(before);
        rows.set(after, row);
        break;
      }
      case 'd':
        rows.delete(before);
        break;
      case 't':
        rows.clear();
        break;
    }
  }

  /** Takes a row in as a snapshot read it. */
  applyBaseline(baseline: BaselineRow): void {
    const key = stringifyLossless(baseline.key ?? baseline.row);
    this.#rowsOf(tableName(baseline)).set(key, baseline.row);
  }

  save(): SavedRows {
    return [...this.#tables].map(([table, rows]) => [table, [...rows]]);
  }

  #rowsOf(table: string): Map<string, JsonObject> {
    const rows = this.#tables.get(table) ?? new Map<string, JsonObject>();
    this.#tables.set(table, rows);
    return rows;
  }
}
