/** What leaves the queue: batches with their checkpoints, idle checkpoints, reports to the server, the end. */
import { assert } from '@diptych/runtime/assert';
import { type Lsn, lsnZero } from '@diptych/wal/lsn';
import { cutBatch, type Piece } from './batch.ts';
import { type Action, type EndReason, nothing, type Progress } from './protocol.ts';
import { type Batch, type DeliveryState, isSameProgress } from './state.ts';

/**
 * At least once: how long the last batch of a busy stream waits for a next one that states it. Longer would repeat more
 * after a crash in a quiet moment; shorter would send a checkpoint after each batch of a slow stream, and the next
 * transaction would wait for its answer more often.
 */
const statementDelayMs = 200;

function isQuiet<R>(state: DeliveryState<R>): boolean {
  return !state.open && state.queue.length === 0 && !state.publishing;
}

/** Nothing that was admitted is outstanding: a relay that was asked to stop may. */
function isSettled<R>(state: DeliveryState<R>): boolean {
  return (
    state.queue.length === 0 && !state.publishing && (!state.open || state.open.admission.tag === 'skip')
  );
}

/** The batch in flight is in Kafka: what its checkpoint holds may be reported. */
export function settle<R>(state: DeliveryState<R>): readonly Action<R>[] {
  assert(state.publishing, 'something was being published');
  const { progress, held, bytes, states, hasStandalone, records } = state.publishing;
  assert(held.reportedLsn >= state.held.reportedLsn, 'positions never move backwards');
  state.publishing = null;
  state.queuedBytes -= bytes;
  state.published = progress;
  state.held = held;
  state.stated = states;
  // Its own checkpoint holds nothing of it, and positions do not tell.
  if (hasStandalone && !isCovered(state, records)) state.wanted += 1;
  if (state.idle < progress.reportedLsn) state.idle = progress.reportedLsn;
  state.idleCheckpointAtMs = state.nowMs;
  return [...report(state), ...proceed(state)];
}

/** Whatever can go on now: the next batch, an idle checkpoint, back-pressure, the end. */
export function proceed<R>(state: DeliveryState<R>): readonly Action<R>[] {
  const { queuedBytes, limits } = state;
  // So it is for nearly every change of a busy stream: a batch is in flight, and nothing else is to be said.
  const isBetween = state.paused
    ? queuedBytes > limits.queueBytesMax / 2
    : queuedBytes <= limits.queueBytesMax;
  if (state.publishing && isBetween) return nothing;
  const actions: Action<R>[] = [
    ...publishNext(state),
    ...checkpointIdle(state, state.limits.idleCheckpointIntervalMs),
  ];
  if (state.stopping && isSettled(state))
    return [...actions, ...report(state), ...end(state, { tag: 'stopped' })];
  const high = state.queuedBytes > state.limits.queueBytesMax;
  const low = state.queuedBytes <= state.limits.queueBytesMax / 2;
  if (high && !state.paused) {
    state.paused = true;
    actions.push({ tag: 'pause' });
  } else if (low && state.paused) {
    state.paused = false;
    actions.push({ tag: 'resume' });
  }
  return actions;
}

function publishNext<R>(state: DeliveryState<R>): readonly Action<R>[] {
  while (!state.publishing && (state.queuedWhole > 0 || state.queuedBytes >= state.limits.batchBytesMax)) {
    const batch = cutBatch(state.queue, state.limits.batchBytesMax);
    if (!batch) return [];
    state.queue = batch.rest;
    state.queuedWhole -= batch.whole;
    const progress = progressAfter(state, batch.pieces);
    const records = recordsOf(batch.pieces);
    const hasStandalone = batch.pieces.some((piece) => piece.standalone);
    if (records.length > 0) return publish(state, { records, progress, bytes: batch.bytes, hasStandalone });
    // Transactions that published nothing move the position like WAL of others does, with the next idle checkpoint.
    if (progress.part === null && progress.reportedLsn > state.idle) state.idle = progress.reportedLsn;
  }
  return [];
}

/** As long as it will be: pushed to, it would be copied a dozen times while it grows. */
function recordsOf<R>(pieces: readonly Piece<R>[]): R[] {
  const records = new Array<R>(pieces.reduce((sum, piece) => sum + piece.records.length, 0));
  let at = 0;
  for (const piece of pieces) {
    for (const record of piece.records) {
      records[at] = record;
      at += 1;
    }
  }
  return records;
}

function progressAfter<R>(state: DeliveryState<R>, pieces: readonly Piece<R>[]): Progress {
  const whole = pieces.findLast((piece) => piece.commitEndLsn !== null);
  const last = pieces.at(-1);
  assert(last, 'a batch holds at least one piece');
  const { part } = state.published;
  assert(!part || last.commitLsn >= part.lsn, 'a transaction published in part is the next one');
  const divided = !last.standalone && last.commitEndLsn === null;
  return {
    lsn: whole ? whole.commitLsn : state.published.lsn,
    part: divided ? { lsn: last.commitLsn, seq: last.ordinal } : null,
    reportedLsn: maxLsn(whole?.commitEndLsn ?? lsnZero, maxLsn(state.idle, state.published.reportedLsn)),
  };
}

/**
 * A checkpoint without records. WAL of others must not pile up behind the slot of a quiet database; and at least once,
 * what was acknowledged last is stated by the next batch, or here when none comes.
 */
export function checkpointIdle<R>(state: DeliveryState<R>, intervalMs: number): readonly Action<R>[] {
  if (state.publishing) return [];
  const quiet = isQuiet(state);
  // Nothing is outstanding: what was received holds nothing that is not published.
  if (quiet) state.idle = maxLsn(state.idle, state.received);
  const { limits, published, held, idle, stopping } = state;
  const elapsedMs = state.nowMs - state.idleCheckpointAtMs;
  const large = idle - held.reportedLsn >= BigInt(limits.idleCheckpointBytes);
  const advances = quiet && idle > held.reportedLsn && (elapsedMs >= intervalMs || large || stopping);
  // Something is acknowledged that no checkpoint holds. Never so exactly once.
  const isUnstated = !isSameProgress(published, held) || state.stated < state.wanted;
  const states = isUnstated && (elapsedMs >= statementDelayMs || stopping);
  if (!advances && !states) return [];
  const reportedLsn = advances ? maxLsn(idle, published.reportedLsn) : published.reportedLsn;
  return publish(state, {
    ...{ records: [], bytes: 0, hasStandalone: false },
    progress: { ...published, reportedLsn },
  });
}

/** Whether a checkpoint that travels with these records holds them too. */
const isCovered = <R>({ limits }: DeliveryState<R>, records: readonly R[]): boolean =>
  limits.delivery === 'exactly-once' || records.length === 0;

/**
 * A checkpoint without records states what it covers: nothing else is in flight. One that travels with records is in
 * Kafka at once with them, or, where nothing binds the two, holds what was acknowledged before: it is true whichever
 * of them arrives.
 */
function publish<R>(
  state: DeliveryState<R>,
  batch: Pick<Batch<R>, 'records' | 'progress' | 'bytes' | 'hasStandalone'>,
): readonly Action<R>[] {
  const { records, progress } = batch;
  const held = isCovered(state, records) ? progress : state.published;
  state.publishing = { ...batch, held, states: state.wanted, isInDoubt: false };
  state.publishingSinceMs = state.nowMs;
  return [{ tag: 'publish', records, progress: held }];
}

/** Only what a checkpoint in Kafka holds is ever reported as flushed. */
export function report<R>(state: DeliveryState<R>): readonly Action<R>[] {
  const flushed = state.held.reportedLsn;
  assert(flushed >= state.flushed, 'the flushed position never moves backwards');
  state.flushed = flushed;
  state.reportedAtMs = state.nowMs;
  return [{ tag: 'report', received: maxLsn(state.received, flushed), flushed }];
}

export function end<R>(state: DeliveryState<R>, reason: EndReason): readonly Action<R>[] {
  state.phase = 'ended';
  state.queue = [];
  state.queuedBytes = 0;
  state.queuedWhole = 0;
  return [{ tag: 'end', reason }];
}

const maxLsn = (a: Lsn, b: Lsn): Lsn => (a > b ? a : b);
