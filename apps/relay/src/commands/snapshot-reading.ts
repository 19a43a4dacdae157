/** How far snapshots are, as the relay says it and as people read it. */
import { z } from 'zod';

/** What a running relay says of a table (`TableReading`). */
export const snapshotReading = z
  .object({
    paused: z.boolean(),
    tables: z.array(
      z.object({
        snapshot: z.string(),
        table: z.string(),
        rows: z.number(),
        estimatedRows: z.number().nullable(),
        percent: z.number().nullable(),
        rowsPerSecond: z.number(),
        secondsLeft: z.number().nullable(),
      }),
    ),
  })
  .nullable();

export type Reading = z.output<typeof snapshotReading>;

/** In words, a line for each table. */
export function describeReading({ paused, tables }: NonNullable<Reading>): string {
  if (tables.length === 0) return 'no table is being read\n';
  const lines = tables.map(({ snapshot, table, rows, percent, rowsPerSecond, secondsLeft }) => {
    const share = percent === null ? '' : `, about ${percent} %`;
    const left = secondsLeft === null ? '' : `, about ${secondsLeft} s left`;
    return `${table}  ${rows} rows${share}, ${rowsPerSecond} rows/s${left}  (snapshot ${snapshot})`;
  });
  return `${paused ? 'paused\n' : ''}${lines.join('\n')}\n`;
}
