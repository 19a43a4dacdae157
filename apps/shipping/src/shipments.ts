/** The service's own table: one row for each cart that was checked out and shipped. */
import type { CartPayload } from '@diptych/contracts/cart-events';
import { createInbox } from '@diptych/inbox/inbox-table';
import { inTransaction } from '@diptych/inbox/transaction';
import type { ClientBase, Pool } from 'pg';

const shipmentsTableSql = `
create table if not exists shipments (
  cart_id bigint primary key,
  lines jsonb not null,
  total numeric(12,2) not null,
  event_id uuid not null,
  shipped_at timestamptz not null default now()
)`;

type Database = Pick<ClientBase, 'query'>;

/** Creates what is not there yet. Several services may start at once: the inbox's lock makes them take turns. */
export async function createTables(pool: Pool): Promise<void> {
  await inTransaction(pool, async (tx) => {
    await createInbox(tx);
    await tx.query(shipmentsTableSql);
  });
}

/** A shipment as HTTP shows it. */
export interface Shipment {
  readonly cartId: number;
  readonly lines: CartPayload<'CartCheckedOut'>['lines'];
  readonly total: string;
  /** The event that it was shipped for. */
  readonly eventId: string;
  readonly shippedAt: Date;
}

/** Ships the cart, unless it has been shipped: then it returns the id of the event that it was shipped for. */
export async function insertShipment(
  tx: Database,
  { cartId, lines, total, eventId }: Omit<Shipment, 'shippedAt'>,
): Promise<{ readonly shippedBefore?: string }> {
  const { rowCount } = await tx.query(
    `insert into shipments (cart_id, lines, total, event_id) values ($1, $2, $3, $4)
     on conflict (cart_id) do nothing`,
    [cartId, JSON.stringify(lines), total, eventId],
  );
  if (rowCount === 1) return {};
  const { rows } = await tx.query<{ event_id: string }>('select event_id from shipments where cart_id = $1', [
    cartId,
  ]);
  return { shippedBefore: rows[0]?.event_id ?? 'unknown' };
}

interface ShipmentRow {
  /** `pg` gives a bigint as text; the contract has made sure that a double holds it. */
  readonly cart_id: string;
  readonly lines: Shipment['lines'];
  readonly total: string;
  readonly event_id: string;
  readonly shipped_at: Date;
}

const columns = 'cart_id, lines, total, event_id, shipped_at';

/** The shipments of carts after the given one, by cart. */
export async function readShipments(
  database: Database,
  { afterCartId, limit }: { afterCartId: number; limit: number },
): Promise<Shipment[]> {
  const { rows } = await database.query<ShipmentRow>(
    `select ${columns} from shipments where cart_id > $1 order by cart_id limit $2`,
    [afterCartId, limit],
  );
  return rows.map(toShipment);
}

/** The shipment of a cart, or undefined. */
export async function readShipment(database: Database, cartId: number): Promise<Shipment | undefined> {
  const { rows } = await database.query<ShipmentRow>(`select ${columns} from shipments where cart_id = $1`, [
    cartId,
  ]);
  return rows.map(toShipment)[0];
}

function toShipment({ cart_id, lines, total, event_id, shipped_at }: ShipmentRow): Shipment {
  return { cartId: Number(cart_id), lines, total, eventId: event_id, shippedAt: shipped_at };
}
