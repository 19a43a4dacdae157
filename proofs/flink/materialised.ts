/** The rows that a changelog leaves, as whoever reads one keeps them; and where they are not Postgres's. */
import type { FlinkChange, FlinkValue } from './flink-sql.ts';

/** Rows as JSON, and how often each is there. */
export type Rows = Map<string, number>;

/** Takes a change into the rows. Returns false when it takes away a row that is not there. */
export function apply(
  rows: Rows,
  { kind, row }: FlinkChange,
  read: (row: readonly FlinkValue[]) => unknown,
): boolean {
  const text = JSON.stringify(read(row));
  const count = rows.get(text) ?? 0;
  if (kind === '+I' || kind === '+U') {
    rows.set(text, count + 1);
    return true;
  }
  if (count <= 1) rows.delete(text);
  else rows.set(text, count - 1);
  return count > 0;
}

/** Rows that one has and the other has not, by their first column; empty when they are the same. */
export function difference(flink: Rows, postgres: Rows): { missing: string[]; besides: string[] } {
  const lacking = (some: Rows, others: Rows) =>
    [...some].filter(([row, count]) => (others.get(row) ?? 0) !== count).map(([row]) => row);
  return { missing: lacking(postgres, flink), besides: lacking(flink, postgres) };
}
