/** The payload of an outbox row that was published, read once more: the row itself may be gone. */
import { PayloadMask, type PayloadSettings } from '@diptych/outbox/payload-mask';
import { OperatingError } from '@diptych/runtime/failure';
import { type Catalogue, quoteIdentifier } from '@diptych/wal/catalogue';
import type { PayloadPlace } from './outboxes.ts';
import { type ParkedRecord, sha256 } from './parking/parked-record.ts';

/**
 * The payload as it was, by the event's id, with the fields hidden that are to be; undefined when no table has it any more, or has
 * another one. Throws OperatingError when Postgres cannot be asked.
 */
export async function readPayload(
  catalogue: Catalogue,
  {
    places,
    payload: settings,
    record,
  }: { places: readonly PayloadPlace[]; payload: PayloadSettings; record: ParkedRecord },
): Promise<Buffer | undefined> {
  const mask = new PayloadMask(settings);
  const id = record.headers.find(([name]) => name === 'id')?.[1];
  if (id === undefined) return undefined;
  for (const { table, ...columns } of places) {
    const name = table.split('.').map(quoteIdentifier).join('.');
    const existing = await catalogue.query<{ there: boolean }>(
      'select to_regclass($1) is not null as there',
      [name],
    );
    if (!existing[0]?.there) continue;
    const rows = await catalogue.query<Stored>(
      `select ${quoteIdentifier(columns.payload)}::text as payload, ${quoteIdentifier(columns.type)}::text as type,
         ${quoteIdentifier(columns.aggregateType)}::text as "aggregateType"
       from ${name} where ${quoteIdentifier(columns.id)}::text = $1`,
      [id],
    );
    const [row] = rows;
    const value = row && hidden(mask, row);
    if (value && sha256(value) === record.sha256) return value;
  }
  return undefined;
}

interface Stored {
  readonly payload: string | null;
  readonly aggregateType: string | null;
  readonly type: string | null;
}

/** Undefined for one that is null, or cannot be masked. */
function hidden(mask: PayloadMask, { payload, ...kind }: Stored): Buffer | undefined {
  if (payload === null) return undefined;
  try {
    return mask.apply(kind, Buffer.from(payload));
  } catch (error) {
    if (error instanceof OperatingError) return undefined;
    throw error;
  }
}
