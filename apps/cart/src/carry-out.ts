/** The one way of every command: a transaction that decides on the cart as it is and appends what follows. */
import { present } from '@diptych/runtime/assert';
import { sql } from 'drizzle-orm';
import type { Pool } from 'pg';
import type { CartStore } from './cart-store.ts';
import { type CartView, viewCart } from './cart-view.ts';
import { type Database, withConnection } from './database.ts';
import type { CartCommand, Refusal } from './decide.ts';
import { type IdempotencyKey, recall, remember } from './idempotency.ts';

export interface CommandRequest {
  /** undefined opens a new cart. */
  readonly cartId: number | undefined;
  /** Completes the command with what it needs of the database, in the command's transaction. */
  readonly command: (tx: Database, cartId: number) => Promise<CartCommand> | CartCommand;
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
export async function carryOut(
  { pool, store }: { pool: Pool; store: CartStore },
  request: CommandRequest,
): Promise<Outcome> {
  return withConnection(pool, async (database) => {
    const done = await database.transaction((tx) => decideAndWrite(tx, store, request), {
      // A lock on the cart orders commands; each statement after it has to see what the one before committed.
      isolationLevel: 'read committed',
    });
    if (!done.ok) return done;
    const { xid, ...written } = done;
    const lsn = await scalar(database, sql`select pg_current_wal_insert_lsn()::text as value`);
    return { ...written, commit: `${xid}@${lsn}` };
  });
}

async function decideAndWrite(tx: Database, store: CartStore, request: CommandRequest): Promise<Done> {
  const { idempotency, actor, reason, traceparent, versions } = request;
  const recalled = idempotency ? await recall(tx, idempotency) : { tag: 'new' as const };
  if (recalled.tag === 'reused') return { ok: false, reason: 'idempotency-key-reused' };
  if (recalled.tag === 'answered') {
    const { status, body, xid } = recalled.answer;
    return { ok: true, status: status === 201 ? 201 : 200, cart: body as CartView, xid };
  }
  const isNew = request.cartId === undefined;
  const cartId = request.cartId ?? (await store.newId(tx));
  const told = { cartId, actor, ...(reason === undefined ? {} : { reason }) };
  const command = await request.command(tx, cartId);
  const changed = await store.change(tx, {
    ...{ cartId, isNew, telling: { traceparent } },
    intent: { command, told, versions },
  });
  if (!changed.ok) return changed;
  const status = isNew ? 201 : 200;
  const cart = viewCart(changed.cart);
  const xid = await scalar(tx, sql`select pg_current_xact_id()::text as value`);
  if (idempotency) await remember(tx, idempotency, { status, body: cart, xid });
  return { ok: true, status, cart, xid };
}

async function scalar(database: Database, query: ReturnType<typeof sql>): Promise<string> {
  const { rows } = await database.execute<{ value: string }>(query);
  return present(rows[0], 'the row of a scalar query').value;
}
