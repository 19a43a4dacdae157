import { Row } from '@diptych/pgoutput/row';
import type { ReadRows } from '@diptych/wal/read-rows';
import type { DescribedTable } from './described-table.ts';

/** A row that was read, as the stream would have brought it. Its `size` is that of its texts. Valid as long as the rows are. */
export const readRow = (rows: ReadRows, index: number): Row =>
  new Row(rows.bytes, rows.bounds(index), rows.textBytes(index));

/** Tells the key of each row, as texts. */
export function keyReader({ key, relation }: DescribedTable, rows: ReadRows): (index: number) => string[] {
  const places = key.map((name) => relation.columns.findIndex((column) => column.name === name));
  return (index) => {
    const row = readRow(rows, index);
    return places.map((place) => row.text(place) ?? '');
  };
}

/** The key of the last row, as texts; null without rows. */
export const lastKeyOf = (table: DescribedTable, rows: ReadRows): string[] | null =>
  rows.length === 0 ? null : keyReader(table, rows)(rows.length - 1);
