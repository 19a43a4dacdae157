/** Bounds and positions that the tests of the state machine share: small enough to reach every bound with a few pieces. */
import { type Lsn, lsn } from '@diptych/wal/lsn';
import type { Limits, Progress } from './protocol.ts';

export const limits: Limits = {
  delivery: 'exactly-once',
  batchBytesMax: 100,
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
