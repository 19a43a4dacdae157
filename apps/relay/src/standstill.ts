/**
 * Whether the position stands still although the WAL behind it grows, decided purely. What moves it: a committed
 * checkpoint, also one inside a divided transaction; rows of tables that were read; and, while nothing waits for Kafka, the messages of a transaction
 * that makes no records. A relay that receives and cannot publish stands still, however much it receives.
 */
import type { Progress } from '@diptych/delivery/protocol';
import type { DeliveryState } from '@diptych/delivery/state';
import type { Lsn } from '@diptych/wal/lsn';

/** How far a transaction was received. */
interface Received {
  readonly commitLsn: Lsn;
  readonly ordinal: number;
}

/** What is seen of a relay that holds the slot, at one moment. */
export interface Sighting {
  readonly nowMs: number;
  /** What the last committed checkpoint holds. */
  readonly checkpoint: Progress;
  /** The open transaction, while nothing waits for Kafka. */
  readonly received: Received | null;
  /** The end of the server's WAL, when it was last asked for; null before. */
  readonly walEnd: Lsn | null;
  /** Rows of tables that snapshots have in Kafka: while tables are read first, no position moves. */
  readonly rowsRead: number;
}

/** Since when nothing moved, over all sessions of this relay. */
export interface Watch {
  readonly sinceMs: number;
  readonly checkpoint: Progress;
  /** The furthest, so that what a failing session receives again and again does not count as moving. */
  readonly received: Received | null;
  readonly rowsRead: number;
}

/** For `/readyz`, status and log. */
export interface Standstill {
  readonly forMs: number;
  /** WAL between the published position and the end. */
  readonly bytes: number;
  readonly reason: string;
}

export interface StandstillLimits {
  readonly stalledMs: number;
  readonly stalledBytes: number;
}

/** What the delivery core shows of itself. */
export function sightingOf<R>(
  { published, open, queue, publishing }: DeliveryState<R>,
  { nowMs, walEnd, rowsRead }: Pick<Sighting, 'nowMs' | 'walEnd' | 'rowsRead'>,
): Sighting {
  const waits = queue.length > 0 || publishing !== null;
  const received = open && !waits ? { commitLsn: open.commitLsn, ordinal: open.ordinal } : null;
  return { nowMs, checkpoint: published, received, walEnd, rowsRead };
}

/** The watch after a sighting. Its clock begins anew when something moved, and while too little is owed to count. */
export function watch(before: Watch | null, sighting: Sighting, { stalledBytes }: StandstillLimits): Watch {
  const { nowMs, checkpoint, received, rowsRead } = sighting;
  if (!before || !sameProgress(before.checkpoint, checkpoint) || before.rowsRead !== rowsRead)
    return { sinceMs: nowMs, checkpoint, received, rowsRead };
  const moved = received !== null && isBeyond(received, before.received);
  const sinceMs = moved || owedBytes(sighting) < stalledBytes ? nowMs : before.sinceMs;
  return { sinceMs, checkpoint, received: moved ? received : before.received, rowsRead };
}

/** The standstill, null while there is none. */
export function standstillOf(
  { sinceMs }: Watch,
  sighting: Sighting,
  { stalledMs, stalledBytes }: StandstillLimits,
): Standstill | null {
  const forMs = sighting.nowMs - sinceMs;
  const bytes = owedBytes(sighting);
  if (forMs < stalledMs || bytes < stalledBytes) return null;
  const seconds = Math.floor(forMs / 1000);
  return { forMs, bytes, reason: `nothing was published for ${seconds} s, ${bytes} bytes of WAL wait` };
}

function owedBytes({ checkpoint, walEnd }: Sighting): number {
  return walEnd === null || walEnd <= checkpoint.reportedLsn ? 0 : Number(walEnd - checkpoint.reportedLsn);
}

function sameProgress(a: Progress, b: Progress): boolean {
  return (
    a.reportedLsn === b.reportedLsn &&
    a.lsn === b.lsn &&
    a.part?.lsn === b.part?.lsn &&
    a.part?.seq === b.part?.seq
  );
}

function isBeyond(now: Received, before: Received | null): boolean {
  if (before === null || now.commitLsn > before.commitLsn) return true;
  return now.commitLsn === before.commitLsn && now.ordinal > before.ordinal;
}
