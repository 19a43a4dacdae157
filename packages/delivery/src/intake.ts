/** What the stream brings, on its way into the queue: which of it is taken, and where it stands. */
import { assert } from '@diptych/runtime/assert';
import type { Lsn } from '@diptych/wal/lsn';
import { type Arrival, isWhole, joins, type Piece } from './batch.ts';
import { type Action, type Admission, nothing, type Progress } from './protocol.ts';
import { proceed } from './publishing.ts';
import type { DeliveryState } from './state.ts';

/** What is to be done with the messages of the open transaction. Nothing more is taken when the session is over. */
export function admissionOf<R>(state: DeliveryState<R>): Admission {
  if (state.phase === 'ended') return { tag: 'skip' };
  assert(state.open, 'a transaction is open');
  return state.open.admission;
}

/**
 * Whether records that stand for themselves may be offered now: no transaction is open, and none is published in part
 * whose rest the server has yet to send again: nothing before that rest is taken. What is queued before them is whole then.
 */
export function acceptsStandalone<R>(state: DeliveryState<R>): boolean {
  if (state.phase !== 'streaming' || state.stopping || state.open) return false;
  const { part } = state.publishing?.progress ?? state.published;
  return part === null || state.queue.length > 0;
}

export function begin<R>(state: DeliveryState<R>, commitLsn: Lsn): readonly Action<R>[] {
  assert(state.phase === 'streaming', 'messages come while streaming');
  assert(!state.open, 'no transaction is open at Begin');
  state.open = { commitLsn, admission: admit(state, commitLsn), ordinal: 0 };
  return nothing;
}

/**
 * Decoding emits transactions in commit-LSN order and one transaction deterministically: all up to the checkpoint's
 * LSN are in Kafka, all behind it are not, and of the split one exactly the first `seq` messages are.
 * A relay that stops takes no new transaction: what is not in a checkpoint comes again.
 */
function admit<R>(state: DeliveryState<R>, commitLsn: Lsn): Admission {
  if (state.stopping || isPassed(commitLsn, state.published)) return { tag: 'skip' };
  const { part } = state.published;
  return part?.lsn === commitLsn ? { tag: 'resume', seq: part.seq } : { tag: 'take' };
}

/**
 * Whether a transaction is behind us. Also one that made no records is passed for good, when it may be reported (the
 * server skips by the same rule) or when the next one is published in part: with other settings it could make some now,
 * and they would stand behind records that it comes before.
 */
export function isPassed(commitLsn: Lsn, { lsn, part, reportedLsn }: Progress): boolean {
  return commitLsn <= lsn || commitLsn < reportedLsn || (part !== null && commitLsn < part.lsn);
}

export function receive<R>(
  state: DeliveryState<R>,
  { ordinal, bytes, records }: { ordinal: number; bytes: number; records: readonly R[] },
): readonly Action<R>[] {
  const { open } = state;
  assert(open, 'a change belongs to a transaction');
  // The text is made when it is needed: this runs for each change.
  if (ordinal !== open.ordinal + 1) assert(false, `ordinal ${ordinal} follows ${open.ordinal}`);
  open.ordinal = ordinal;
  const { admission, commitLsn } = open;
  if (admission.tag === 'skip' || (admission.tag === 'resume' && ordinal <= admission.seq)) return nothing;
  // What makes no record takes no place: a filtered transaction of any size leaves nothing in the queue.
  if (records.length === 0) return nothing;
  enqueue(state, { commitLsn, ordinal, bytes, records, commitEndLsn: null, standalone: false });
  return proceed(state);
}

export function finish<R>(
  state: DeliveryState<R>,
  { commitEndLsn, bytes, records }: { commitEndLsn: Lsn; bytes: number; records: readonly R[] },
): readonly Action<R>[] {
  const { open } = state;
  assert(open, 'a commit ends a transaction');
  const { admission, commitLsn, ordinal } = open;
  state.open = null;
  if (admission.tag !== 'skip')
    enqueue(state, { commitLsn, ordinal, bytes, records, commitEndLsn, standalone: false });
  if (!state.stopping && commitEndLsn > state.received) state.received = commitEndLsn;
  return proceed(state);
}

/**
 * Behind the last piece, or into it. Of transactions that publish nothing only the position of the last counts: however many there
 * are behind a batch that hangs, they take one place.
 */
function enqueue<R>(state: DeliveryState<R>, arrival: Arrival<R>): void {
  const { queue, limits } = state;
  state.queuedBytes += arrival.bytes;
  const last = queue.at(-1);
  const wasWhole = last !== undefined && isWhole(last);
  if (!last || !joins(last, arrival, limits.pieceBytesMax)) queue.push(pieceOf(arrival));
  else if (wasWhole || !isWhole(last)) return;
  else {
    // It was open until now. A small transaction goes to those before it.
    const before = queue.at(-2);
    if (before && isWhole(before) && joins(before, last, limits.pieceBytesMax)) {
      queue.pop();
      return;
    }
  }
  if (isWhole(queue.at(-1) ?? arrival)) state.queuedWhole += 1;
}

/** In one piece, by hand: every transaction begins as one. */
function pieceOf<R>({ commitLsn, ordinal, bytes, records, commitEndLsn, standalone }: Arrival<R>): Piece<R> {
  return { commitLsn, ordinal, bytes, records: [...records], commitEndLsn, standalone };
}

/** It moves no position: what it holds is exactly once because the checkpoint is committed with it. */
export function takeStandalone<R>(
  state: DeliveryState<R>,
  { bytes, records }: { bytes: number; records: readonly R[] },
): readonly Action<R>[] {
  assert(acceptsStandalone(state), 'what stands for itself comes between two transactions');
  assert(records.length > 0, 'what is offered holds records');
  const commitLsn = state.queue.at(-1)?.commitLsn ?? state.published.lsn;
  enqueue(state, {
    commitLsn,
    ordinal: 0,
    bytes,
    records,
    commitEndLsn: null,
    standalone: true,
  });
  return proceed(state);
}
