/** Gives versions without gaps to the events of an aggregate, by the three rules of docs/wire.md ("Outbox tables"). */
import { assert } from '@diptych/runtime/assert';
import { and, eq, sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { outboxHeads } from './schema.ts';

/** The caller's open transaction; a database without one would write the head and the events apart. */
export type OutboxTransaction = Pick<NodePgDatabase, 'insert' | 'update'>;

/** What the events are about: the name of its kind and its id, as text. */
export interface Aggregate {
  readonly type: string;
  readonly id: string;
}

/**
 * Moves the aggregate's head by `count` and returns its new version, or undefined when the head is not at
 * `expectedVersion` (0: the aggregate must be new; left out: wherever it is). No row back is an answer, not an error:
 * the transaction stays usable. The row lock is held until the transaction ends, which makes version order commit order.
 */
export async function advanceHead(
  tx: OutboxTransaction,
  { aggregate, count, expectedVersion }: { aggregate: Aggregate; count: number; expectedVersion?: bigint },
): Promise<bigint | undefined> {
  assert(Number.isSafeInteger(count) && count > 0, `a head moves by whole events, not by ${count}`);
  assert(expectedVersion === undefined || expectedVersion >= 0n, `no version is ${expectedVersion}`);
  const moved = sql`${outboxHeads.version} + ${count}`;
  const first = { aggregatetype: aggregate.type, aggregateid: aggregate.id, version: BigInt(count) };
  const insert = tx.insert(outboxHeads).values(first);
  const returned = { version: outboxHeads.version };
  const rows =
    expectedVersion === undefined
      ? await insert
          .onConflictDoUpdate({
            target: [outboxHeads.aggregatetype, outboxHeads.aggregateid],
            set: { version: moved },
          })
          .returning(returned)
      : expectedVersion === 0n
        ? await insert.onConflictDoNothing().returning(returned)
        : await tx
            .update(outboxHeads)
            .set({ version: moved })
            .where(
              and(
                eq(outboxHeads.aggregatetype, aggregate.type),
                eq(outboxHeads.aggregateid, aggregate.id),
                eq(outboxHeads.version, expectedVersion),
              ),
            )
            .returning(returned);
  return rows[0]?.version;
}
