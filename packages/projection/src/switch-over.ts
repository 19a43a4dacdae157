/** How a generation that has caught up takes the place of the live one, in one transaction. */
import { setTimeout as sleep } from 'node:timers/promises';
import { inTransaction } from '@diptych/inbox/transaction';
import pg, { type Pool, type PoolClient } from 'pg';
import { type AskEnds, distance, parkedOnlyIn } from './caught-up.ts';
import { findGeneration, type Generation, retire, show } from './generations.ts';

export type SwitchOver =
  | { readonly tag: 'switched'; readonly from: Generation; readonly to: Generation }
  /** Offsets that it has to pass still. */
  | { readonly tag: 'behind'; readonly missing: bigint }
  /** It could not apply events that the live one could. */
  | { readonly tag: 'parked'; readonly events: number }
  /** A transaction that has read the views is in the way, or one that has the positions. */
  | { readonly tag: 'in-the-way' }
  /** Nothing is building. */
  | { readonly tag: 'nothing' };

/** So near the live one waits for the building one: it passes them in well under a second. */
const nearOffsets = 1_000n;

/** For the transactions of the live one that are under way; no reader waits meanwhile. */
const positionLockTimeoutMs = 5_000;

/** How long the live one may wait, with its readers served all the time. */
const standstillMsMax = 2_000;
const lookMs = 10;

/** Who comes while the views wait for a reader waits as long as that: shorter than anybody notices. */
const viewLockTimeoutMs = 100;

/**
 * Switches when what is building has caught up. It stops the live one by locking its positions, lets the other pass them, and
 * makes the views show it: so neither does a reader see anything older than before, nor does load keep the two apart. Whoever
 * dies in the middle has done nothing.
 */
export async function switchOver(
  pool: Pool,
  { projection, ends }: { projection: string; ends: AskEnds },
): Promise<SwitchOver> {
  const [live, next] = [
    await findGeneration(pool, { projection, state: 'live' }),
    await findGeneration(pool, { projection, state: 'building' }),
  ];
  if (!next || !live) return { tag: 'nothing' };
  const { missing } = await distance(pool, { live, next, ends });
  if (missing > nearOffsets) return { tag: 'behind', missing };
  const events = await parkedOnlyIn(pool, { live, next });
  if (events > 0) return { tag: 'parked', events };
  try {
    return await inTransaction(pool, (tx) => takeOver(tx, { projection, ends }));
  } catch (error) {
    if (isInTheWay(error)) return { tag: 'in-the-way' };
    throw error;
  }
}

async function takeOver(
  tx: PoolClient,
  { projection, ends }: { projection: string; ends: AskEnds },
): Promise<SwitchOver> {
  await tx.query(`set local lock_timeout = ${positionLockTimeoutMs}`);
  // Of two that switch the second finds nothing to do.
  const live = await findGeneration(tx, { projection, state: 'live', lock: true });
  const next = await findGeneration(tx, { projection, state: 'building', lock: true });
  if (!next || !live) return { tag: 'nothing' };
  await tx.query('select from inbox_positions where consumer_group = $1 for update', [live.group]);
  const deadline = performance.now() + standstillMsMax;
  for (;;) {
    // At `read committed` each look sees what the building one has committed meanwhile.
    const { missing } = await distance(tx, { live, next, ends });
    if (missing === 0n) break;
    if (performance.now() > deadline) return { tag: 'behind', missing };
    await sleep(lookMs);
  }
  const events = await parkedOnlyIn(tx, { live, next });
  if (events > 0) return { tag: 'parked', events };
  await tx.query(`set local lock_timeout = ${viewLockTimeoutMs}`);
  await show(tx, next, live);
  await retire(tx, live);
  await tx.query(`update projection_generations set state = 'live', live_at = now() where generation = $1`, [
    next.generation,
  ]);
  return { tag: 'switched', from: live, to: next };
}

/** Lock not available, deadlock. https://www.postgresql.org/docs/18/errcodes-appendix.html */
const inTheWay: readonly string[] = ['55P03', '40P01'];

/** Whether a lock was not to be had in time: the next attempt may. */
export function isInTheWay(error: unknown): boolean {
  return error instanceof pg.DatabaseError && inTheWay.includes(error.code ?? '');
}
