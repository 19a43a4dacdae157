/**
 * The delivery protocol as a deterministic state machine: `step(state, event)` answers with actions, touches nothing
 * else and asks no clock. The relay performs the actions (`apps/relay`); simulations perform modelled ones. Its rules
 * and why they hold: docs/architecture.md, "The exactly-once protocol"; docs/decisions/0010-at-least-once.md.
 *
 * Three positions, never one: *received* is what the server has sent, *published* what is in Kafka, *flushed* what the
 * server was told it may forget.
 */
import { assert, unreachable } from '@diptych/runtime/assert';
import type { Lsn } from '@diptych/wal/lsn';
import { begin, finish, receive, takeStandalone } from './intake.ts';
import type { Action, Event, Progress } from './protocol.ts';
import { checkpointIdle, end, proceed, report, settle } from './publishing.ts';
import { doubt, resolve } from './recovery.ts';
import type { DeliveryState, Phase } from './state.ts';

/** When the server asks (it does so at shutdown, in a loop), an idle checkpoint is written at most this often. */
const askedCheckpointIntervalMs = 200;

/** One event in, the actions that follow from it out. The state is changed in place. */
export function step<R>(state: DeliveryState<R>, event: Event<R>): readonly Action<R>[] {
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
    case 'statement-wanted':
      state.wanted += 1;
      return state.phase === 'streaming' ? proceed(state) : [];
    case 'keepalive':
      return keepalive(state, event);
    case 'published':
      return settle(state);
    case 'unanswered':
      return doubt(state);
    case 'recovered':
      return resolve(state, event.progress);
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

function advance<R>(
  state: DeliveryState<R>,
  from: Phase,
  to: Phase,
  action: Action<R>,
): readonly Action<R>[] {
  assert(state.phase === from, `${action.tag} follows ${from}, not ${state.phase}`);
  state.phase = to;
  return [action];
}

/** The slot may be behind what was reported (it saves its position lazily), never ahead of it. */
function adoptCheckpoint<R>(
  state: DeliveryState<R>,
  { progress, confirmedFlushLsn }: { progress: Progress | null; confirmedFlushLsn: Lsn },
): readonly Action<R>[] {
  assert(state.phase === 'reading-checkpoint', 'a checkpoint is read after the fence');
  if (progress === null) return end(state, { tag: 'refused', code: 'checkpoint-missing' });
  if (confirmedFlushLsn > progress.reportedLsn) {
    return end(state, { tag: 'refused', code: 'slot-moved-or-recreated' });
  }
  state.phase = 'streaming';
  state.published = progress;
  state.held = progress;
  state.received = progress.reportedLsn;
  state.idle = progress.reportedLsn;
  return [...report(state), { tag: 'stream' }];
}

/**
 * `walEnd` says that everything before it was sent, unless a transaction is open: then nothing is known of its rest. It
 * becomes a position of ours when all that was sent is also in Kafka (`checkpointIdle`), which may be later: the server
 * says it only once, because from our next report on it knows that we received it.
 */
function keepalive<R>(
  state: DeliveryState<R>,
  { walEnd, replyRequested }: { walEnd: Lsn; replyRequested: boolean },
): readonly Action<R>[] {
  if (state.phase !== 'streaming' || state.stopping) return [];
  if (!state.open && walEnd > state.received) state.received = walEnd;
  if (!replyRequested) return proceed(state);
  const checkpoint = checkpointIdle(state, askedCheckpointIntervalMs);
  if (checkpoint.length > 0) return checkpoint;
  // Answering each request with an old position makes a storm of keepalives (facts: 101,000 in 4 s); the timer answers.
  return state.nowMs - state.reportedAtMs >= askedCheckpointIntervalMs ? report(state) : [];
}

function tick<R>(state: DeliveryState<R>, nowMs: number): readonly Action<R>[] {
  state.nowMs = Math.max(state.nowMs, nowMs);
  if (state.phase === 'acquiring') return [];
  const { limits } = state;
  const { publishing } = state;
  const unanswered =
    publishing && !publishing.isInDoubt && state.nowMs - state.publishingSinceMs > limits.publishTimeoutMs;
  const undrained = state.stopping && state.nowMs - state.stoppingSinceMs > limits.drainTimeoutMs;
  if (unanswered || undrained) return end(state, { tag: 'refused', code: 'publish-outcome-unknown' });
  const due = state.nowMs - state.reportedAtMs >= limits.statusIntervalMs;
  return [...(due ? report(state) : []), ...(state.phase === 'streaming' ? proceed(state) : [])];
}
