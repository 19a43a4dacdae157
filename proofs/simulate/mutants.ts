/**
 * Rules of the protocol, each broken on purpose: wrapped around the module that the relay imports, or around a modelled
 * effect where the rule lives in the effects. None of it is in product code.
 */
import { step } from '@diptych/delivery/delivery';
import type { Action, DeliveryMode, Event } from '@diptych/delivery/protocol';
import type { DeliveryState } from '@diptych/delivery/state';
import { lsn } from '@diptych/wal/lsn';
import type { RecordId } from './wal.ts';

export type Step = (state: DeliveryState<RecordId>, event: Event<RecordId>) => readonly Action<RecordId>[];

/** An effect that is performed otherwise than the protocol wants it. */
export type Deviation =
  | 'no-fencing'
  | 'read-checkpoint-before-fence'
  | 'trust-slot-of-another'
  | 'resume-behind-early'
  | 'read-uncommitted-checkpoint'
  | 'resend-unknown-outcome'
  | 'recover-without-fence'
  | 'checkpoint-apart'
  | 'last-checkpoint-counts'
  | 'word-with-records'
  | 'sends-at-once'
  | 'acknowledge-when-sent';

export interface Mutant {
  /** What it does wrong, in a sentence. */
  readonly wrong: string;
  readonly step: Step;
  readonly deviation: Deviation | null;
  /** Where it is wrong: the first of them unless another one is asked for. */
  readonly modes: readonly DeliveryMode[];
}

/** The protocol as it is. */
export const original: Mutant = { wrong: 'nothing', step, deviation: null, modes: ['exactly-once'] };

const both: readonly DeliveryMode[] = ['exactly-once', 'at-least-once'];

const wrapped = (wrong: string, mutated: Step, modes = both): Mutant => {
  return { wrong, step: mutated, deviation: null, modes };
};
const deviating = (
  deviation: Deviation,
  wrong: string,
  modes: readonly DeliveryMode[] = ['exactly-once'],
): Mutant => ({ wrong, step, deviation, modes });

/** The same actions, but with other reports. */
const reporting =
  (
    flushed: (state: DeliveryState<RecordId>, action: Extract<Action<RecordId>, { tag: 'report' }>) => bigint,
  ): Step =>
  (state, event) =>
    step(state, event).map((action) =>
      action.tag === 'report' ? { ...action, flushed: lsn(flushed(state, action)) } : action,
    );

const without =
  (tag: Action<RecordId>['tag']): Step =>
  (state, event) =>
    step(state, event).filter((action) => action.tag !== tag);

export const mutants: Readonly<Record<string, Mutant>> = {
  'flush-end-plus-one': wrapped(
    'reports one byte more than the end of the last transaction, as the library does by itself',
    reporting((_state, { flushed }) => (flushed === 0n ? 0n : flushed + 1n)),
  ),
  'ack-on-receive': wrapped(
    'reports as flushed what was received',
    reporting((_state, { received, flushed }) => (flushed === 0n ? 0n : received)),
  ),
  'report-before-checkpoint': wrapped(
    'reports a position when its checkpoint is sent, not when it is committed',
    (state, event) =>
      step(state, event).flatMap((action): readonly Action<RecordId>[] => {
        if (action.tag !== 'publish') return [action];
        const { reportedLsn } = action.progress;
        return [action, { tag: 'report', received: state.received, flushed: reportedLsn }];
      }),
  ),
  'adopt-keepalive-in-transaction': wrapped(
    'takes a keepalive for a position inside a transaction',
    (state, event) => {
      if (event.tag !== 'keepalive') return step(state, event);
      const { open } = state;
      state.open = null;
      const actions = step(state, event);
      state.open = open;
      return actions;
    },
  ),
  'adopt-keepalive-while-publishing': wrapped(
    'takes a keepalive for a position while records are outstanding',
    (state, event) => {
      if (event.tag === 'keepalive' && !state.open && event.walEnd > state.idle) state.idle = event.walEnd;
      return step(state, event);
    },
  ),
  'ignore-keepalive': wrapped('does not listen to keepalives', (state, event) =>
    event.tag === 'keepalive' ? [] : step(state, event),
  ),
  'skip-off-by-one': wrapped('publishes the checkpoint’s last transaction again', (state, event) => {
    const actions = step(state, event);
    const { open, published } = state;
    if (
      event.tag === 'transaction-began' &&
      open?.admission.tag === 'skip' &&
      open.commitLsn === published.lsn
    ) {
      state.open = { ...open, admission: { tag: 'take' } };
    }
    return actions;
  }),
  'ignore-part': wrapped('begins a divided transaction anew', (state, event) =>
    step(
      state,
      event.tag === 'checkpoint-read' && event.progress
        ? { ...event, progress: { ...event.progress, part: null } }
        : event,
    ),
  ),
  'resume-off-by-one': wrapped(
    'takes one raw message of a divided transaction for published',
    (state, event) => {
      if (event.tag !== 'checkpoint-read' || !event.progress?.part) return step(state, event);
      const { part } = event.progress;
      return step(state, { ...event, progress: { ...event.progress, part: { ...part, seq: part.seq + 1 } } });
    },
  ),
  'never-pause': wrapped('takes everything that the server sends', without('pause')),
  'never-resume': wrapped('does not read on after a pause', without('resume')),
  'resume-behind-early': deviating(
    'resume-behind-early',
    'lets the socket run behind what came with the grant, whoever paused it there',
  ),
  'no-fencing': deviating('no-fencing', 'gives each session a transactional id of its own'),
  'read-checkpoint-before-fence': deviating(
    'read-checkpoint-before-fence',
    'goes on from the look before the fence',
  ),
  'trust-slot-of-another': deviating(
    'trust-slot-of-another',
    'believes what the catalogue says of a slot that another relay holds by now',
    both,
  ),
  'read-uncommitted-checkpoint': deviating(
    'read-uncommitted-checkpoint',
    'reads a checkpoint that is not committed',
  ),
  'resend-unknown-outcome': deviating(
    'resend-unknown-outcome',
    'sends a batch again when its outcome is unknown',
  ),
  'resend-without-a-look': wrapped(
    'sends a batch in doubt again whatever the checkpoint says',
    (state, event) => step(state, event.tag === 'recovered' ? { ...event, progress: state.held } : event),
    ['exactly-once'],
  ),
  'recover-without-fence': deviating(
    'recover-without-fence',
    'reads the checkpoint while its own Kafka transaction may still be committed',
  ),
  'checkpoint-apart': deviating(
    'checkpoint-apart',
    'commits the checkpoint after its records, not with them',
  ),
  'checkpoint-states-in-flight': wrapped(
    'sends a checkpoint that covers the batch it travels with',
    (state, event) =>
      step(state, event).map((action) =>
        action.tag === 'publish' && state.publishing
          ? { ...action, progress: state.publishing.progress }
          : action,
      ),
    ['at-least-once'],
  ),
  'never-state': wrapped(
    'sends no checkpoint of what was acknowledged last when no batch follows',
    (state, event) => {
      if (!state.publishing) state.held = state.published;
      return step(state, event);
    },
    ['at-least-once'],
  ),
  'last-checkpoint-counts': deviating(
    'last-checkpoint-counts',
    'takes the last checkpoint by itself, also when one before it says more',
    ['at-least-once'],
  ),
  'word-with-records': deviating(
    'word-with-records',
    'says that a command is done when what it releases is on its way',
    ['at-least-once'],
  ),
  'sends-at-once': deviating('sends-at-once', 'does not wait for the answer to one send before the next', [
    'at-least-once',
  ]),
  'acknowledge-when-sent': deviating('acknowledge-when-sent', 'takes a batch for published when it is sent', [
    'at-least-once',
  ]),
};
