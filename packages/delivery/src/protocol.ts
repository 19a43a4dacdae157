/** What goes into the state machine and what comes out of it: docs/architecture.md, "The exactly-once protocol". */
import type { Lsn } from '@diptych/wal/lsn';

/** The part of a checkpoint that the protocol decides on; the relay adds what names the source. */
export interface Progress {
  /** Start of the commit record of the last transaction that is published whole. */
  readonly lsn: Lsn;
  /** A transaction published in part: its commit LSN and how many of its raw messages are in Kafka. */
  readonly part: { readonly lsn: Lsn; readonly seq: number } | null;
  /** The position that may be reported to the server once this checkpoint is committed. */
  readonly reportedLsn: Lsn;
}

/**
 * `exactly-once`: a batch and the checkpoint that covers it are one Kafka transaction. `at-least-once`: without
 * transactions; a batch carries the checkpoint of what was acknowledged before it
 * (docs/decisions/0010-at-least-once.md).
 */
export type DeliveryMode = 'exactly-once' | 'at-least-once';

export interface Limits {
  readonly delivery: DeliveryMode;
  /** A batch is cut at this size; one transaction of Postgres that is larger is published in pieces. */
  readonly batchBytesMax: number;
  /** What waits is put together up to this size: a batch is cut where two such pieces meet, a small share of one. */
  readonly pieceBytesMax: number;
  /** Above it the socket is paused, below half of it resumed. */
  readonly queueBytesMax: number;
  /** The published position is reported this often, also while nothing happens: wal_sender_timeout must not pass. */
  readonly statusIntervalMs: number;
  /** WAL without records of ours is checkpointed after this time … */
  readonly idleCheckpointIntervalMs: number;
  /** … or this many bytes, whichever comes first. */
  readonly idleCheckpointBytes: number;
  /** Asked to stop, a session that has not drained after this time ends as it is: the checkpoint knows the rest. */
  readonly drainTimeoutMs: number;
  /** An attempt to publish a batch that is without any answer for so long: the session ends. */
  readonly publishTimeoutMs: number;
}

export type Event<R> =
  /** START_REPLICATION was answered: the slot is ours. The stream is still paused. */
  | { readonly tag: 'slot-acquired' }
  /** The look before fencing found nothing foreign. */
  | { readonly tag: 'looked' }
  | { readonly tag: 'fenced' }
  /** The authoritative read of the checkpoint, after the fence; null when there is none. */
  | { readonly tag: 'checkpoint-read'; readonly progress: Progress | null; readonly confirmedFlushLsn: Lsn }
  | { readonly tag: 'transaction-began'; readonly commitLsn: Lsn }
  /** One raw message with its records; also one that makes no record, because ordinals count it. */
  | {
      readonly tag: 'change-received';
      readonly ordinal: number;
      readonly bytes: number;
      readonly records: readonly R[];
    }
  | {
      readonly tag: 'transaction-ended';
      readonly commitEndLsn: Lsn;
      readonly bytes: number;
      /** The END record; none when the transaction published nothing. */
      readonly records: readonly R[];
    }
  /**
   * Records that belong to no transaction of the stream, such as parked ones that are released: published between two
   * transactions, never inside a divided one. Only while `acceptsStandalone` says so.
   */
  | { readonly tag: 'standalone-offered'; readonly bytes: number; readonly records: readonly R[] }
  /** A checkpoint is to hold something else than the last one, besides positions. Without records it comes soon, not at once. */
  | { readonly tag: 'statement-wanted' }
  | { readonly tag: 'keepalive'; readonly walEnd: Lsn; readonly replyRequested: boolean }
  /** The batch in flight is in Kafka: its transaction is committed, or all of it acknowledged. */
  | { readonly tag: 'published' }
  /** Kafka did not say what became of the batch in flight, and may answer again: its outcome is unknown. */
  | { readonly tag: 'unanswered' }
  /** What the committed checkpoints say after `recover`: nothing of ours is open any more. */
  | { readonly tag: 'recovered'; readonly progress: Progress }
  | { readonly tag: 'clock'; readonly nowMs: number }
  | { readonly tag: 'stop-requested' }
  /** Any failure, of either side: everything in flight has an unknown outcome and is dropped. */
  | { readonly tag: 'failed' };

/** What most events lead to. */
export const nothing: readonly never[] = [];

export type Action<R> =
  | { readonly tag: 'look' }
  | { readonly tag: 'fence' }
  | { readonly tag: 'read-checkpoint' }
  /** Let the stream run: admitted messages may follow. */
  | { readonly tag: 'stream' }
  | { readonly tag: 'pause' }
  | { readonly tag: 'resume' }
  /** Tell the server what was received and what is flushed. */
  | { readonly tag: 'report'; readonly received: Lsn; readonly flushed: Lsn }
  /** One batch: all records, in order, and the checkpoint that goes with them; exactly once in one Kafka transaction. */
  | { readonly tag: 'publish'; readonly records: readonly R[]; readonly progress: Progress }
  /**
   * Once Kafka answers again: make sure that the slot is still this session's, fence anew, read the checkpoint. The
   * stream goes on meanwhile, up to the bound of the queue.
   */
  | { readonly tag: 'recover' }
  | { readonly tag: 'end'; readonly reason: EndReason };

/** What the protocol itself refuses, as the failure code that it becomes. */
export type RefusalCode = 'checkpoint-missing' | 'slot-moved-or-recreated' | 'publish-outcome-unknown';

export type EndReason =
  | { readonly tag: 'stopped' }
  | { readonly tag: 'failed' }
  | { readonly tag: 'refused'; readonly code: RefusalCode };

/** What the relay does with the messages of the transaction that is open. */
export type Admission =
  /** Published before: not even decoded further. */
  | { readonly tag: 'skip' }
  /** Published in part: the first `seq` raw messages are counted, not published. */
  | { readonly tag: 'resume'; readonly seq: number }
  | { readonly tag: 'take' };
