/** What the relay knows of itself, for health, status and metrics: written by the session, read by everyone else. */
import type { DeliveryMode } from '@diptych/delivery/protocol';
import type { OperatingError, Retry } from '@diptych/runtime/failure';
import type { FailoverGap } from '@diptych/wal/failover';
import { formatLsn, type Lsn, lsnZero } from '@diptych/wal/lsn';
import type { Configuration } from './configuration.ts';
import type { PartitionChange } from './partition-agreement.ts';
import type { Unpublished } from './publications.ts';
import type { SnapshotReading } from './snapshot/reading-watch.ts';
import { type Sighting, type Standstill, standstillOf, type Watch, watch } from './standstill.ts';

export type Role = 'starting' | 'standby' | 'active' | 'backing-off' | 'stopped';

export interface Failure {
  readonly code: string;
  readonly message: string;
  /** Whether the relay tries again by itself. */
  readonly retry: Retry;
  readonly remedy: string;
  /** ISO 8601 */
  readonly at: string;
}

/** An error as it is shown, and when. */
export function failureOf({ code, message, retry, remedy }: OperatingError): Failure {
  return { code, message, retry, remedy, at: new Date().toISOString() };
}

export class Board {
  role: Role = 'starting';
  delivery: DeliveryMode = 'exactly-once';
  /** Last seen, in Kafka, confirmed to the server: three positions, never one. */
  received: Lsn = lsnZero;
  published: Lsn = lsnZero;
  flushed: Lsn = lsnZero;
  lagBytes: bigint | null = null;
  /** The end of the server's WAL, when a session last asked. */
  walEnd: Lsn | null = null;
  /** The position stands still although WAL waits behind it; only of a relay that holds the slot. */
  standstill: Standstill | null = null;
  lastError: Failure | null = null;
  /** Topics that have got more partitions than their keys are placed in: the rest stays empty. */
  partitionsUnused: readonly PartitionChange[] = [];
  /** Keys that wait in the parked topic, as far as this relay knows. */
  parkedKeys = 0;
  /** What is missing for the slot to survive a failover, as the last session found it. */
  failoverGaps: readonly FailoverGap[] = [];
  /** Tables that the configuration wants and no publication has, as the session that holds the slot found it. */
  unpublished: readonly Unpublished[] = [];
  /** Commit time of the last published transaction, µs since 1970. */
  publishedCommitTimeUs: bigint | null = null;
  /** Commit time of the oldest transaction that is received and not published, µs since 1970. */
  waitingSinceUs: bigint | null = null;
  /** What snapshots read now; null when they read nothing. */
  snapshot: SnapshotReading | null = null;
  /** Rows that snapshots ever read, and that are in Kafka. */
  rowsRead = 0;
  readonly startedAt = new Date();
  #watch: Watch | null = null;

  /** Ready while it does its part: publishing, or standing by for another relay that does. */
  get ready(): boolean {
    return this.role === 'standby' || (this.role === 'active' && this.standstill === null);
  }

  /** Another relay holds the slot: whether the position moves is its matter. */
  standBy(): void {
    this.role = 'standby';
    this.unpublished = [];
    this.standstill = null;
    this.#watch = null;
  }

  /**
   * Told by the session, as often as it looks; sessions that fail one after another count as one time. Answers whether a
   * standstill begins.
   */
  see(
    sighting: Sighting,
    {
      limits: { stalledBytes },
      timing: { stalledMs },
    }: {
      limits: Pick<Configuration['limits'], 'stalledBytes'>;
      timing: Pick<Configuration['timing'], 'stalledMs'>;
    },
  ): boolean {
    const limits = { stalledBytes, stalledMs };
    const before = this.standstill;
    this.#watch = watch(this.#watch, sighting, limits);
    this.standstill = standstillOf(this.#watch, sighting, limits);
    return before === null && this.standstill !== null;
  }

  reported({ received, flushed }: { received: Lsn; flushed: Lsn }, published: Lsn): void {
    this.received = received;
    this.published = published;
    this.flushed = flushed;
  }

  fail(error: OperatingError): void {
    this.lastError = failureOf(error);
  }

  /** Time since the commit of the oldest transaction that waits; 0 when none does. */
  lagMs(nowMs: number = Date.now()): number {
    return this.waitingSinceUs === null ? 0 : Math.max(0, nowMs - Number(this.waitingSinceUs / 1000n));
  }

  toJSON(): Record<string, unknown> {
    return {
      role: this.role,
      ready: this.ready,
      standstill: this.standstill,
      delivery: this.delivery,
      receivedLsn: formatLsn(this.received),
      publishedLsn: formatLsn(this.published),
      flushedLsn: formatLsn(this.flushed),
      lagBytes: this.lagBytes === null ? null : Number(this.lagBytes),
      lagMs: this.lagMs(),
      lastError: this.lastError,
      parkedKeys: this.parkedKeys,
      partitionsUnused: this.partitionsUnused,
      failoverGaps: this.failoverGaps,
      unpublished: this.unpublished,
      snapshot: this.snapshot,
      startedAt: this.startedAt.toISOString(),
    };
  }
}
