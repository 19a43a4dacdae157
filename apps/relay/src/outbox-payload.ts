/** The payload of an outbox row that was published, read once more: the row itself may be gone. */
import { type Catalogue, quoteIdentifier } from '@diptych/wal/catalogue';
import type { payloadPlaces } from './outboxes.ts';
import { type ParkedRecord, sha256 } from './parking/parked-record.ts';

/**
 * The payload as it was, by the event's id; undefined when no table has it any more, or has another one.
 * Throws OperatingError when Postgres cannot be asked.
 */
export async function readPayload(
  catalogue: Catalogue,
  { places, record }: { places: ReturnType<typeof payloadPlaces>; record: ParkedRecord },
): Promise<Buffer | undefined> {
  const id = record.headers.find(([name]) => name === 'id')?.[1];
  if (id === undefined) return undefined;
  for (const { table, ...columns } of places) {
    const name = table.split('.').map(quoteIdentifier).join('.');
    const existing = await catalogue.query<{ there: boolean }>(
      'select to_regclass($1) is not null as there',
      [name],
    );
    if (!existing[0]?.there) continue;
    const rows = await catalogue.query<{ payload: string | null }>(
      `select ${quoteIdentifier(columns.payload)}::text as payload from ${name} where ${quoteIdentifier(columns.id)}::text = $1`,
      [id],
    );
    const [row] = rows;
    if (!row || row.payload === null) continue;
    const value = Buffer.from(row.payload);
    if (sha256(value) === record.sha256) return value;
  }
  return undefined;
}
