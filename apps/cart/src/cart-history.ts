/** The audit trail of a cart: what happened, when, who did it, why, and in which transaction. */
import { cartEventTypes } from '@diptych/contracts/cart-states';
import { moneySchema } from '@diptych/contracts/money';
import { assert } from '@diptych/runtime/assert';
import { z } from 'zod';
import type { CartJournal } from './cart-store.ts';
import type { Database } from './database.ts';

const happenedSchema = z.strictObject({
  version: z.int().meta({ description: 'The version that the cart had afterwards', example: 5 }),
  type: z.enum(cartEventTypes),
  what: z.record(z.string(), z.unknown()).meta({ example: { sku: 'apple', quantity: 1 } }),
  totals: z.strictObject({ subtotal: moneySchema, discount: moneySchema, total: moneySchema }),
  when: z.string().meta({ description: 'When its transaction began, in UTC with microseconds' }),
  who: z.string().meta({ example: 'customer' }),
  why: z.string().nullable().meta({ example: 'too sour' }),
  transaction: z
    .string()
    .meta({ description: 'What stands before the @ of its commit token', example: '757' }),
  id: z.string().meta({ description: 'The id of the event, as in the record’s header' }),
});

export const historySchema = z.strictObject({
  cart: z.int().meta({ example: 101 }),
  version: z.int().meta({ description: 'The newest one' }),
  events: z.array(happenedSchema),
  next: z.int().nullable().meta({ description: 'Ask with after=… for what follows; null at the end' }),
});

export type History = z.infer<typeof historySchema>;

/** One page of it, or undefined when nothing was ever told of the cart. Throws as `Journal.read` does. */
export async function readHistory(
  tx: Database,
  { journal, cartId, after, limit }: { journal: CartJournal; cartId: number; after: number; limit: number },
): Promise<History | undefined> {
  const stream = String(cartId);
  const head = Number(await journal.head(tx, stream));
  if (head === 0) return undefined;
  const last = Math.min(head, after + limit);
  const reading = await journal.read(tx, stream, {
    fromVersion: BigInt(after + 1),
    at: { tag: 'version', version: BigInt(last) },
  });
  assert(reading.ok, `${stream} is at ${head}`);
  const events: History['events'] = [];
  for await (const { event, version, occurredAt, xid, id } of reading.events) {
    const { cartId: _, actor, reason, totals, ...what } = event.payload;
    events.push({
      ...{ version: Number(version), type: event.type, what, totals, when: occurredAt },
      ...{ who: actor, why: reason ?? null, transaction: xid, id },
    });
  }
  return { cart: cartId, version: head, events, next: last < head ? last : null };
}
