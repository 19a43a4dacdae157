import type { SnapshotTable } from '@diptych/compare/console-health';
import { count } from '../figures.ts';

/** How far each table is read that a snapshot reads. */
export function Snapshots({ tables }: { readonly tables: readonly SnapshotTable[] | null }) {
  if (tables === null || tables.length === 0) return null;
  return (
    <section aria-labelledby="snapshots">
      <h2 id="snapshots">Snapshot</h2>
      <table class="report">
        <thead>
          <tr>
            <th scope="col">Table</th>
            <th scope="col">rows</th>
            <th scope="col">about</th>
            <th scope="col">state</th>
          </tr>
        </thead>
        <tbody>
          {tables.map(({ table, state, rows, estimatedRows }) => (
            <tr key={table}>
              <th scope="row">{table}</th>
              <td>{count(rows)}</td>
              <td>
                {estimatedRows === null ? '–' : count(estimatedRows)}
                {estimatedRows !== null && estimatedRows > 0 && (
                  <progress
                    value={Math.min(rows, estimatedRows)}
                    max={estimatedRows}
                    aria-label={`Progress of ${table}`}
                  />
                )}
              </td>
              <td>{state}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
