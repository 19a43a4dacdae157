/** The one way of every command: a transaction that locks the cart, decides, changes rows, appends events. */
import { cartAggregateType, cartContract } from '@diptych/contracts/cart-events';
import { evolve } from '@diptych/contracts/cart-fold';
import type { CartState } from '@diptych/contracts/cart-state';
import { append } from '@diptych/outbox/append';
import { assert, present } from '@diptych/runtime/assert';
import { sql } from 'drizzle-orm';
import type { Pool } from 'pg';
import { insertCart, readCart, updateCart, writeContents } from './cart-rows.ts';
import { type CartView, viewCart } from './cart-view.ts';
import { type Database, withConnection } from './database.ts';
import { type CartCommand, decide, type Refusal } from './decide.ts';
import { type IdempotencyKey, recall, remember } from './idempotency.ts';

export interface CommandRequest {
  /** undefined opens a new cart. */
  readonly cartId: number | undefined;
  /** Completes the command with what it needs of the database, in the command's transaction. */
  readonly command: (tx: Database) => Promise<CartCommand> | CartCommand;
  readonly actor: string;
  readonly reason?: string | undefined;
  /** W3C trace context of the request, handed on in the events' headers. */
  readonly traceparent?: string | undefined;
  /** Versions of which one must be the cart's, by `If-Match`. */
  readonly versions?: readonly number[] | undefined;
  readonly idempotency?: IdempotencyKey | undefined;
}

export type Outcome =
  | { readonly ok: true; readonly status: 200 | 201; readonly cart: CartView; readonly commit: string }
  | { readonly ok: false; readonly reason: Refusal | 'version-stale' | 'idempotency-key-reused' };

type Written = Extract<Outcome, { ok: true }>;
type Done = Extract<Outcome, { ok: false }> | (Omit<Written, 'commit'> & { readonly xid: string });

/**
 * Carries a command out. Refused, it has changed nothing. Carried out, rows and events are committed, and `commit` is
 * the commit token `<xid8>@<lsn>`: the insert position of the WAL, asked for after the commit, is not before its record.
 * Throws what the database throws; after an error during commit it is unknown whether the command took effect.
 */
export async function carryOut(pool: Pool, request: CommandRequest): Promise<Outcome> {
  return withConnection(pool, async (database) => {
    const done = await database.transaction((tx) => decideAndWrite(tx, request), {
      // The lock on the cart's row orders commands; each statement after it has to see what the one before committed.
      isolationLevel: 'read committed',
    });
    if (!done.ok) return done;
    const { xid, ...written } = done;
    const lsn = await scalar(database, sql`select pg_current_wal_insert_lsn()::text as value`);
    return { ...written, commit: `${xid}@${lsn}` };
  });
}

async function decideAndWrite(tx: Database, request: CommandRequest): Promise<Done> {
  const { idempotency } = request;
  const recalled = idempotency ? await recall(tx, idempotency) : { tag: 'new' as const };
  if (recalled.tag === 'reused') return { ok: false, reason: 'idempotency-key-reused' };
  if (recalled.tag === 'answered') {
    const { status, body, xid } = recalled.answer;
    return { ok: true, status: status === 201 ? 201 : 200, cart: body as CartView, xid };
  }
  const isNew = request.cartId === undefined;
  const cartId = request.cartId ?? (await insertCart(tx));
  const state = isNew ? undefined : await readCart(tx, { cartId, lock: true });
  if (state && request.versions && !request.versions.includes(state.version)) {
    return { ok: false, reason: 'version-stale' };
  }
  const { actor, reason } = request;
  const told = { cartId, actor, ...(reason === undefined ? {} : { reason }) };
  const decision = decide(state, await request.command(tx), told);
  if (!decision.ok) return decision;
  const after = await write(tx, { state, cartId, events: decision.events, traceparent: request.traceparent });
  const status = isNew ? 201 : 200;
  const cart = viewCart(after);
  const xid = await scalar(tx, sql`select pg_current_xact_id()::text as value`);
  if (idempotency) await remember(tx, idempotency, { status, body: cart, xid });
  return { ok: true, status, cart, xid };
}

interface Happened {
  readonly state: CartState | undefined;
  readonly cartId: number;
  readonly events: Extract<ReturnType<typeof decide>, { ok: true }>['events'];
  readonly traceparent: string | undefined;
}

/** Rows and outbox, both from the same events. Returns the cart as it is afterwards. */
async function write(tx: Database, { state, cartId, events, traceparent }: Happened): Promise<CartState> {
  let after = state;
  for (const event of events) {
    after = evolve(after, event);
    await writeContents(tx, event);
  }
  const changed = present(after, 'the cart after its events');
  if (events.length === 0) return changed;
  // A new cart's row was written as it is when its id was drawn.
  if (state) await updateCart(tx, changed);
  const appended = await append(tx, {
    aggregate: { type: cartAggregateType, id: String(cartId) },
    events,
    contract: cartContract,
    telling: { traceparent },
    // A known cart is appended to wherever its head is: a legacy writer may have moved the row's version without events.
    ...(state === undefined ? { expectedVersion: 0n } : {}),
  });
  assert(appended.ok, `cart ${cartId} is new, but the outbox already has events of it`);
  return changed;
}

async function scalar(database: Database, query: ReturnType<typeof sql>): Promise<string> {
  const { rows } = await database.execute<{ value: string }>(query);
  return present(rows[0], 'the row of a scalar query').value;
}
