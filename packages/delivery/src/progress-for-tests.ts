/** What the tests of the state machine share: bounds small enough to reach every one with a few pieces, positions, transactions. */
import { type Lsn, lsn } from '@diptych/wal/lsn';
import { step } from './delivery.ts';
import type { Action, Event, Limits, Progress } from './protocol.ts';
import { type DeliveryState, initialState } from './state.ts';

export const limits: Limits = {
  delivery: 'exactly-once',
  batchBytesMax: 100,
  pieceBytesMax: 20,
  queueBytesMax: 200,
  statusIntervalMs: 1000,
  idleCheckpointIntervalMs: 10_000,
  idleCheckpointBytes: 1_000_000,
  publishTimeoutMs: 30_000,
  drainTimeoutMs: 10_000,
};

export const at = (position: number): Lsn => lsn(BigInt(position));

/** Nothing is published yet. */
export const start: Progress = { lsn: at(0), part: null, reportedLsn: at(0) };

/** A session that streams on from `progress`, with the slot at `confirmedFlushLsn`. */
export function streaming(
  progress: Progress = start,
  { confirmedFlushLsn = at(0), mode = limits }: { confirmedFlushLsn?: Lsn; mode?: Limits } = {},
): DeliveryState<string> {
  const state = initialState<string>(mode, 0);
  for (const tag of ['slot-acquired', 'looked', 'fenced'] as const) step(state, { tag });
  step(state, { tag: 'checkpoint-read', progress, confirmedFlushLsn });
  return state;
}

/** One transaction of `rows` raw messages of `bytes` each, committed at `commit`. */
export function transaction(commit: number, rows: number, bytes = 10): Event<string>[] {
  const changes = Array.from({ length: rows }, (_, index): Event<string> => {
    return { tag: 'change-received', ordinal: index + 1, bytes, records: [`${commit}/${index + 1}`] };
  });
  return [
    { tag: 'transaction-began', commitLsn: at(commit) },
    ...changes,
    { tag: 'transaction-ended', commitEndLsn: at(commit + 5), bytes: 1, records: [`${commit}/end`] },
  ];
}

/** All events in, all actions out. */
export const feed = (state: DeliveryState<string>, events: Event<string>[]): readonly Action<string>[] =>
  events.flatMap((event) => step(state, event));

export const only = <T extends Action<string>['tag']>(actions: readonly Action<string>[], tag: T) =>
  actions.filter((action): action is Extract<Action<string>, { tag: T }> => action.tag === tag);

export const published = (actions: readonly Action<string>[]) => only(actions, 'publish');
