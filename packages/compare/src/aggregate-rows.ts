/** The rows of one aggregate, folded from change events. */
import { stringifyLossless } from '@diptych/runtime/json';
import { type Change, tableName } from './joined-transaction.ts';
import type { JsonObject } from './json-object.ts';

export class AggregateRows {
  readonly #tables = new Map<string, Map<string, JsonObject>>();

  /** The table's rows, as they stand after the last change. */
  of(table: string): readonly JsonObject[] {
    return [...(this.#tables.get(table)?.values() ?? [])];
  }

  /** Takes one change of a row, or a truncate, in. An unchanged TOASTed value stays as it was. */
  apply(change: Change): void {
    const table = tableName(change);
    const rows = this.#tables.get(table) ?? new Map<string, JsonObject>();
    this.#tables.set(table, rows);
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
}
