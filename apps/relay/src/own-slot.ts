import { OperatingError } from '@diptych/runtime/failure';
import { inspectSlot, type Slot } from '@diptych/wal/slot';
import type { SessionContext } from './session-context.ts';

/**
 * The slot as it is now, while the walsender of our own session holds it. Once it does not, nothing is sent to us any more,
 * and another relay may have moved it on: nobody tells us when the connection was lost without an end, and its position must
 * not look like somebody's tampering. Throws OperatingError `replication-ended`.
 */
export async function requireOwnSlot(
  { catalogue, configuration }: Pick<SessionContext, 'catalogue' | 'configuration'>,
  backendPid: number | null,
): Promise<Slot> {
  const slot = await inspectSlot(catalogue, configuration.slot);
  if (slot && slot.activePid === backendPid) return slot;
  throw new OperatingError('replication-ended', 'the slot is no longer held by this session', {
    remedy: 'The relay begins anew by itself.',
  });
}
