/** What a script does to the replication slots of both sides while they are stopped. */
import { poll } from '@diptych/runtime/poll';
import type { Session } from './session.ts';

const freeTimeoutMs = 60_000;

/** Drops the slots of all sides, or drops and makes them anew at the end of the WAL. */
export async function changeSlots(
  change: 'drop slots' | 'recreate slots',
  { session, signal }: { session: Session; signal: AbortSignal },
): Promise<void> {
  const names = session.sides.flatMap(({ ours, theirs }) => [ours.slot, theirs.slot]);
  const areFree = async () => {
    const active = await session.query(
      'select from pg_replication_slots where slot_name = any ($1) and active',
      [names],
    );
    return active.length === 0 || undefined;
  };
  // A walsender notices a moment later that nobody reads.
  await poll(areFree, { what: 'nobody reads the slots', timeoutMs: freeTimeoutMs, signal });
  for (const name of names) {
    await session.query('select pg_drop_replication_slot($1)', [name]);
    if (change === 'recreate slots') {
      await session.query("select pg_create_logical_replication_slot($1, 'pgoutput')", [name]);
    }
  }
}
