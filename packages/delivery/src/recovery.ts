/**
 * A batch whose outcome is unknown, in a session that still holds the slot: the committed checkpoint says what became of it
 * (docs/decisions/0025-an-outage-of-kafka-within-a-session.md).
 */
import { assert } from '@diptych/runtime/assert';
import type { Action, DeliveryMode, Progress } from './protocol.ts';
import { end, settle } from './publishing.ts';
import { type Batch, type DeliveryState, isSameProgress } from './state.ts';

/** Finds out what became of the batch, where a checkpoint can tell; else the session is over, as by any failure. */
export function doubt<R>(state: DeliveryState<R>): readonly Action<R>[] {
  const batch = state.publishing;
  assert(batch && !batch.isInDoubt, 'something was being published');
  if (!canTell(state, batch)) return end(state, { tag: 'failed' });
  state.publishing = { ...batch, isInDoubt: true };
  return [{ tag: 'recover' }];
}

/**
 * Exactly once a batch and its checkpoint are there or not, together. Records that belong to no transaction may leave the
 * checkpoint as it was: then it tells nothing. At least once nothing has to be told: what may be missing is sent again.
 */
function canTell<R>(state: DeliveryState<R>, batch: Batch<R>): boolean {
  return state.limits.delivery === 'at-least-once' || !isSameProgress(batch.held, state.held);
}

/** What the checkpoint said, once nothing of ours was open. Another progress than our own two is somebody else's. */
export function resolve<R>(state: DeliveryState<R>, progress: Progress): readonly Action<R>[] {
  const batch = state.publishing;
  assert(batch?.isInDoubt, 'a batch was in doubt');
  const { held, records } = batch;
  const { delivery } = state.limits;
  if (!isSameProgress(progress, held) && !isSameProgress(progress, state.held))
    return end(state, { tag: 'refused', code: 'publish-outcome-unknown' });
  state.publishing = { ...batch, isInDoubt: false };
  if (hasArrived({ records, progress: held }, { progress, before: state.held, delivery }))
    return settle(state);
  state.publishingSinceMs = state.nowMs;
  return [{ tag: 'publish', records, progress: held }];
}

/**
 * Whether a batch is in Kafka for certain when the checkpoint says `progress`, and said `before` before. Without a transaction
 * one vouches for no records; and one that moves no position is not told from the one before.
 */
export function hasArrived(
  batch: { readonly records: readonly unknown[]; readonly progress: Progress },
  { progress, before, delivery }: { progress: Progress; before: Progress; delivery: DeliveryMode },
): boolean {
  if (isSameProgress(batch.progress, before)) return false;
  const isVouchedFor = delivery === 'exactly-once' || batch.records.length === 0;
  return isVouchedFor && isSameProgress(progress, batch.progress);
}
