/**
 * The exactly-once protocol as a deterministic state machine: `step(state, event)` answers with actions, touches
 * nothing else and asks no clock. The relay performs the actions (`apps/relay`); simulations perform modelled ones.
 * Its rules and why they hold: docs/architecture.md, "The exactly-once protocol".
 *
 * Three positions, never one: *received* is what the server has sent, *published* what Kafka has committed,
 * *flushed* what the server was told it may forget.
 */
import { assert, unreachable } from '@diptych/runtime/assert';
import { type Lsn, lsnZero } from '@diptych/wal/lsn';
import { cutBatch, type Piece } from './batch.ts';
import type { Action, Admission, EndReason, Event, Progress } from './protocol.ts';
import type { DeliveryState, Phase } from './state.ts';

/** When the server asks (it does so at shutdown, in a loop), an idle checkpoint is written at most this often. */
const askedCheckpointIntervalMs = 200;

/** What is to be done with the messages of the open transaction. Nothing more is taken when the session is over. */
export function admissionOf<R>(state: DeliveryState<R>): Admission {
  if (state.phase === 'ended') return { tag: 'skip' };
  assert(state.open, 'a transaction is open');
  return state.open.admission;
}

/**
 * Whether records that stand for themselves may be offered now: no transaction is open, and none is published in part
 * whose rest the server has yet to send again. What is queued before them is whole then.
 */
export function acceptsStandalone<R>(state: DeliveryState<R>): boolean {
  if (state.phase !== 'streaming' || state.stopping || state.open) return false;
  const { part } = state.publishing?.progress ?? state.published;
  return part === null || state.queue.length > 0;
}

/** One event in, the actions that follow from it out. The state is changed in place. */
export function step<R>(state: DeliveryState<R>, event: Event<R>): Action<R>[] {
  if (state.phase === 'ended') return [];
  switch (event.tag) {
    case 'slot-acquired':
      return advance(state, 'acquiring', 'looking', { tag: 'look' });
    case 'looked':
      return advance(state, 'looking', 'fencing', { tag: 'fence' });
    case 'fenced':
      return advance(state, 'fencing', 'reading-checkpoint', { tag: 'read-checkpoint' });
    case 'checkpoint-read':
      return adoptCheckpoint(state, event);
    case 'transaction-began':
      return begin(state, event.commitLsn);
    case 'change-received':
      return receive(state, event);
    case 'transaction-ended':
      return finish(state, event);
    case 'standalone-offered':
      return takeStandalone(state, event);
    case 'keepalive':
      return keepalive(state, event);
    case 'published':
      return settle(state);
    case 'clock':
      return tick(state, event.nowMs);
    case 'stop-requested':
      if (!state.stopping) state.stoppingSinceMs = state.nowMs;
      state.stopping = true;
      return state.phase === 'streaming' ? proceed(state) : end(state, { tag: 'stopped' });
    case 'failed':
      return end(state, { tag: 'failed' });
    default:
      return unreachable(event);
  }
}

function advance<R>(state: DeliveryState<R>, from: Phase, to: Phase, action: Action<R>): Action<R>[] {
  assert(state.phase === from, `${action.tag} follows ${from}, not ${state.phase}`);
  state.phase = to;
  return [action];
}

/** The slot may be behind what was reported (it saves its position lazily), never ahead of it. */
function adoptCheckpoint<R>(
  state: DeliveryState<R>,
  { progress, confirmedFlushLsn }: { progress: Progress | null; confirmedFlushLsn: Lsn },
): Action<R>[] {
  assert(state.phase === 'reading-checkpoint', 'a checkpoint is read after the fence');
  if (progress === null) return end(state, { tag: 'refused', code: 'checkpoint-missing' });
  if (confirmedFlushLsn > progress.reportedLsn) {
    return end(state, { tag: 'refused', code: 'slot-moved-or-recreated' });
  }
  state.phase = 'streaming';
  state.published = progress;
  state.received = progress.reportedLsn;
  state.idle = progress.reportedLsn;
  return [...report(state), { tag: 'stream' }];
}

function begin<R>(state: DeliveryState<R>, commitLsn: Lsn): Action<R>[] {
  assert(state.phase === 'streaming', 'messages come while streaming');
  assert(!state.open, 'no transaction is open at Begin');
  state.open = { commitLsn, admission: admit(state, commitLsn), ordinal: 0 };
  return [];
}

/**
 * Decoding emits transactions in commit-LSN order and one transaction deterministically: all up to the checkpoint's
 * LSN are in Kafka, all behind it are not, and of the split one exactly the first `seq` messages are.
 * A relay that stops takes no new transaction: what is not in a checkpoint comes again.
 */
function admit<R>(state: DeliveryState<R>, commitLsn: Lsn): Admission {
  if (state.stopping || commitLsn <= state.published.lsn) return { tag: 'skip' };
  const { part } = state.published;
  return part?.lsn === commitLsn ? { tag: 'resume', seq: part.seq } : { tag: 'take' };
}

function receive<R>(
  state: DeliveryState<R>,
  { ordinal, bytes, records }: { ordinal: number; bytes: number; records: readonly R[] },
): Action<R>[] {
  const { open } = state;
  assert(open, 'a change belongs to a transaction');
  assert(ordinal === open.ordinal + 1, `ordinal ${ordinal} follows ${open.ordinal}`);
  open.ordinal = ordinal;
  const { admission, commitLsn } = open;
  if (admission.tag === 'skip' || (admission.tag === 'resume' && ordinal <= admission.seq)) return [];
  // What makes no record takes no place: a filtered transaction of any size leaves nothing in the queue.
  if (records.length === 0) return [];
  state.queue.push({ commitLsn, ordinal, bytes, records, commitEndLsn: null, standalone: false });
  state.queuedBytes += bytes;
  return proceed(state);
}

function finish<R>(
  state: DeliveryState<R>,
  { commitEndLsn, bytes, records }: { commitEndLsn: Lsn; bytes: number; records: readonly R[] },
): Action<R>[] {
  const { open } = state;
  assert(open, 'a commit ends a transaction');
  const { admission, commitLsn, ordinal } = open;
  state.open = null;
  if (admission.tag !== 'skip') {
    state.queue.push({ commitLsn, ordinal, bytes, records, commitEndLsn, standalone: false });
    state.queuedBytes += bytes;
    state.queuedWhole += 1;
  }
  if (!state.stopping && commitEndLsn > state.received) state.received = commitEndLsn;
  return proceed(state);
}

/** It moves no position: what it holds is exactly once because the checkpoint is committed with it. */
function takeStandalone<R>(
  state: DeliveryState<R>,
  { bytes, records }: { bytes: number; records: readonly R[] },
): Action<R>[] {
  assert(acceptsStandalone(state), 'what stands for itself comes between two transactions');
  assert(records.length > 0, 'what is offered holds records');
  const commitLsn = state.queue.at(-1)?.commitLsn ?? state.published.lsn;
  state.queue.push({ commitLsn, ordinal: 0, bytes, records, commitEndLsn: null, standalone: true });
  state.queuedBytes += bytes;
  state.queuedWhole += 1;
  return proceed(state);
}

/**
 * `walEnd` says that everything before it was sent, unless a transaction is open: then nothing is known of its rest. It
 * becomes a position of ours when all that was sent is also in Kafka (`checkpointIdle`), which may be later: the server
 * says it only once, because from our next report on it knows that we received it.
 */
function keepalive<R>(
  state: DeliveryState<R>,
  { walEnd, replyRequested }: { walEnd: Lsn; replyRequested: boolean },
): Action<R>[] {
  if (state.phase !== 'streaming' || state.stopping) return [];
  if (!state.open && walEnd > state.received) state.received = walEnd;
  if (!replyRequested) return proceed(state);
  const checkpoint = checkpointIdle(state, askedCheckpointIntervalMs);
  if (checkpoint.length > 0) return checkpoint;
  // Answering each request with an old position makes a storm of keepalives (facts: 101,000 in 4 s); the timer answers.
  return state.nowMs - state.reportedAtMs >= askedCheckpointIntervalMs ? report(state) : [];
}

function isQuiet<R>(state: DeliveryState<R>): boolean {
  return !state.open && state.queue.length === 0 && !state.publishing;
}

/** Nothing that was admitted is outstanding: a relay that was asked to stop may. */
function isSettled<R>(state: DeliveryState<R>): boolean {
  return (
    state.queue.length === 0 && !state.publishing && (!state.open || state.open.admission.tag === 'skip')
  );
}

/** The Kafka transaction in flight is committed: its checkpoint is now the truth, and may be reported. */
function settle<R>(state: DeliveryState<R>): Action<R>[] {
  assert(state.publishing, 'something was being published');
  const { progress, bytes } = state.publishing;
  assert(progress.reportedLsn >= state.published.reportedLsn, 'positions never move backwards');
  state.publishing = null;
  state.queuedBytes -= bytes;
  state.published = progress;
  if (state.idle < progress.reportedLsn) state.idle = progress.reportedLsn;
  state.idleCheckpointAtMs = state.nowMs;
  return [...report(state), ...proceed(state)];
}

function tick<R>(state: DeliveryState<R>, nowMs: number): Action<R>[] {
  state.nowMs = Math.max(state.nowMs, nowMs);
  if (state.phase === 'acquiring') return [];
  const { limits } = state;
  const unanswered = state.publishing && state.nowMs - state.publishingSinceMs > limits.publishTimeoutMs;
  const undrained = state.stopping && state.nowMs - state.stoppingSinceMs > limits.drainTimeoutMs;
  if (unanswered || undrained) return end(state, { tag: 'refused', code: 'publish-outcome-unknown' });
  const due = state.nowMs - state.reportedAtMs >= limits.statusIntervalMs;
  return [...(due ? report(state) : []), ...(state.phase === 'streaming' ? proceed(state) : [])];
}

/** Whatever can go on now: the next batch, an idle checkpoint, back-pressure, the end. */
function proceed<R>(state: DeliveryState<R>): Action<R>[] {
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

function publishNext<R>(state: DeliveryState<R>): Action<R>[] {
  while (!state.publishing && (state.queuedWhole > 0 || state.queuedBytes >= state.limits.batchBytesMax)) {
    const batch = cutBatch(state.queue, state.limits.batchBytesMax);
    if (!batch) return [];
    state.queue = batch.rest;
    state.queuedWhole -= batch.transactions;
    const progress = progressAfter(state, batch.pieces);
    const records = batch.pieces.flatMap((piece) => piece.records);
    if (records.length > 0) return publish(state, { records, progress, bytes: batch.bytes });
    // Transactions that published nothing move the position like WAL of others does, with the next idle checkpoint.
    if (progress.part === null && progress.reportedLsn > state.idle) state.idle = progress.reportedLsn;
  }
  return [];
}

function progressAfter<R>(state: DeliveryState<R>, pieces: readonly Piece<R>[]): Progress {
  const whole = pieces.findLast((piece) => piece.commitEndLsn !== null);
  const last = pieces.at(-1);
  assert(last, 'a batch holds at least one piece');
  const divided = !last.standalone && last.commitEndLsn === null;
  return {
    lsn: whole ? whole.commitLsn : state.published.lsn,
    part: divided ? { lsn: last.commitLsn, seq: last.ordinal } : null,
    reportedLsn: maxLsn(whole?.commitEndLsn ?? lsnZero, maxLsn(state.idle, state.published.reportedLsn)),
  };
}

/** A checkpoint without records: WAL of others must not pile up behind the slot of a quiet database. */
function checkpointIdle<R>(state: DeliveryState<R>, intervalMs: number): Action<R>[] {
  if (!isQuiet(state)) return [];
  // Nothing is outstanding: what was received holds nothing that is not published.
  state.idle = maxLsn(state.idle, state.received);
  const { limits, published, idle } = state;
  if (idle <= published.reportedLsn) return [];
  const due = state.nowMs - state.idleCheckpointAtMs >= intervalMs;
  const large = idle - published.reportedLsn >= BigInt(limits.idleCheckpointBytes);
  if (!due && !large && !state.stopping) return [];
  return publish(state, { records: [], progress: { ...published, reportedLsn: idle }, bytes: 0 });
}

function publish<R>(
  state: DeliveryState<R>,
  { records, progress, bytes }: { records: readonly R[]; progress: Progress; bytes: number },
): Action<R>[] {
  state.publishing = { progress, bytes };
  state.publishingSinceMs = state.nowMs;
  return [{ tag: 'publish', records, progress }];
}

/** Only what a committed checkpoint holds is ever reported as flushed. */
function report<R>(state: DeliveryState<R>): Action<R>[] {
  const flushed = state.published.reportedLsn;
  assert(flushed >= state.flushed, 'the flushed position never moves backwards');
  state.flushed = flushed;
  state.reportedAtMs = state.nowMs;
  return [{ tag: 'report', received: maxLsn(state.received, flushed), flushed }];
}

function end<R>(state: DeliveryState<R>, reason: EndReason): Action<R>[] {
  state.phase = 'ended';
  state.queue = [];
  state.queuedBytes = 0;
  state.queuedWhole = 0;
  return [{ tag: 'end', reason }];
}

const maxLsn = (a: Lsn, b: Lsn): Lsn => (a > b ? a : b);
