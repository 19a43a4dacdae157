/** What shipping did, against what was checked out: each cart shipped once, for the event that told it, with its contents. */
import type { Bridge } from '../bridge.ts';

/**
 * Shipping forgives a repeat by its own key, so repeats are counted before that: a trigger notes each shipment that a
 * committed transaction tried to make.
 */
export const noteEffectsSql = `
  create table effects (event_id uuid not null);
  create function note_effect() returns trigger language plpgsql as
    $$ begin insert into effects values (new.event_id); return new; end $$;
  create trigger note_effect before insert on shipments for each row execute function note_effect();`;

export interface Effects {
  /** Checkouts that were told. */
  readonly checkouts: number;
  /** Checkouts without a shipment, or with one of other contents. */
  readonly missing: number;
  /** Effects beyond the first of a checkout. */
  readonly repeated: number;
  /** Shipments and inbox rows of no checkout. */
  readonly phantom: number;
  readonly parked: number;
}

/** What a checkout says, and what a shipment does. */
interface Order {
  readonly id: string;
  readonly cart: string;
  readonly total: string;
  /** Of the lines. */
  readonly md5: string;
}

type Query = Bridge['query'];

/** Reads both databases. */
export async function compareEffects({ cart, shipping }: { cart: Query; shipping: Query }): Promise<Effects> {
  const checkouts = await cart<Order & Record<string, string>>(
    `select id::text as id, aggregateid as cart, payload->'totals'->>'total' as total,
       md5((payload->'lines')::text) as md5
     from outbox where aggregatetype = 'cart' and type = 'CartCheckedOut'`,
  );
  const shipments = await shipping<Order & Record<string, string>>(
    `select event_id::text as id, cart_id::text as cart, total::text as total, md5(lines::text) as md5
     from shipments`,
  );
  const inbox = await shipping<{ id: string }>(
    `select event_id::text as id from inbox where consumer = 'shipping'`,
  );
  const effects = await shipping<{ id: string }>('select event_id::text as id from effects');
  const [{ parked } = { parked: Number.NaN }] = await shipping<{ parked: number }>(
    'select count(*)::int as parked from inbox_parked',
  );
  return { ...difference({ checkouts, shipments, inbox, effects }), parked };
}

/** Pure; each list in any order. */
export function difference({
  checkouts,
  shipments,
  inbox,
  effects,
}: {
  checkouts: readonly Order[];
  shipments: readonly Order[];
  inbox: readonly { readonly id: string }[];
  effects: readonly { readonly id: string }[];
}): Omit<Effects, 'parked'> {
  const told = new Map(checkouts.map((order) => [order.id, order]));
  const shipped = new Map(shipments.map((order) => [order.id, order]));
  const handled = new Set(inbox.map(({ id }) => id));
  const missing = checkouts.filter((order) => {
    const shipment = shipped.get(order.id);
    return !handled.has(order.id) || !shipment || !isSame(shipment, order);
  });
  const phantom = [...shipped.keys(), ...handled].filter((id) => !told.has(id));
  return {
    checkouts: told.size,
    missing: missing.length,
    repeated: effects.length - new Set(effects.map(({ id }) => id)).size,
    phantom: phantom.length,
  };
}

const isSame = (one: Order, other: Order): boolean =>
  one.cart === other.cart && one.total === other.total && one.md5 === other.md5;
