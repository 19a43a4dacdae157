import { assert } from '@diptych/runtime/assert';
import { type Lsn, lsnZero } from '@diptych/wal/lsn';
import type { Piece } from './batch.ts';
import type { Admission, Limits, Progress } from './protocol.ts';

export type Phase = 'acquiring' | 'looking' | 'fencing' | 'reading-checkpoint' | 'streaming' | 'ended';

export interface OpenTransaction {
  readonly commitLsn: Lsn;
  readonly admission: Admission;
  /** The last ordinal received. */
  ordinal: number;
}

/** The batch in flight: what is published after it, and what its checkpoint holds. */
export interface Batch<R> {
  readonly progress: Progress;
  readonly held: Progress;
  readonly bytes: number;
  /** Kept until it is answered: when Kafka turns out not to have it, it is sent again. */
  readonly records: readonly R[];
  /** Whether records that belong to no transaction are among them. */
  readonly hasStandalone: boolean;
  /** `wanted` as of its checkpoint. */
  readonly states: number;
  /** Its outcome is unknown, and being found out. */
  readonly isInDoubt: boolean;
}

/** Owned by `step`; others read it through the functions below. */
export interface DeliveryState<R> {
  readonly limits: Limits;
  phase: Phase;
  nowMs: number;
  reportedAtMs: number;
  idleCheckpointAtMs: number;
  publishingSinceMs: number;
  stopping: boolean;
  stoppingSinceMs: number;
  paused: boolean;
  open: OpenTransaction | null;
  queue: Piece<R>[];
  /** Of the queue and of the batch in flight. */
  queuedBytes: number;
  /** How many pieces of the queue are whole. */
  queuedWhole: number;
  publishing: Batch<R> | null;
  /** What is in Kafka for certain. */
  published: Progress;
  /** What a checkpoint in Kafka holds of it, so that it may be reported. Exactly once the two are the same. */
  held: Progress;
  /** How often a checkpoint was to hold something new besides positions, and how much of that one in Kafka holds. */
  wanted: number;
  stated: number;
  /** The server's WAL up to here holds nothing that is not published or queued. */
  received: Lsn;
  /** End of WAL without records of ours that no checkpoint holds yet. */
  idle: Lsn;
  /** What the server was told. */
  flushed: Lsn;
}

const nothing: Progress = { lsn: lsnZero, part: null, reportedLsn: lsnZero };

/** A session begins: nothing is known, nothing is held. */
export function initialState<R>(limits: Limits, nowMs: number): DeliveryState<R> {
  assert(limits.queueBytesMax >= limits.batchBytesMax, 'the queue holds at least one batch');
  return {
    limits,
    phase: 'acquiring',
    nowMs,
    reportedAtMs: nowMs,
    idleCheckpointAtMs: nowMs,
    publishingSinceMs: nowMs,
    stopping: false,
    stoppingSinceMs: nowMs,
    paused: false,
    open: null,
    queue: [],
    queuedBytes: 0,
    queuedWhole: 0,
    publishing: null,
    published: nothing,
    held: nothing,
    wanted: 0,
    stated: 0,
    received: lsnZero,
    idle: lsnZero,
    flushed: lsnZero,
  };
}

export function isSameProgress(one: Progress, other: Progress): boolean {
  return (
    one.lsn === other.lsn &&
    one.reportedLsn === other.reportedLsn &&
    one.part?.lsn === other.part?.lsn &&
    one.part?.seq === other.part?.seq
  );
}
