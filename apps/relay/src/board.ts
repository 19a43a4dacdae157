/** What the relay knows of itself, for health, status and metrics: written by the session, read by everyone else. */
import type { OperatingError } from '@diptych/runtime/failure';
import { formatLsn, type Lsn, lsnZero } from '@diptych/wal/lsn';

export type Role = 'starting' | 'standby' | 'active' | 'backing-off' | 'stopped';

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly at: string;
}

export class Board {
  role: Role = 'starting';
  /** Last seen, committed to Kafka, confirmed to the server: three positions, never one. */
  received: Lsn = lsnZero;
  published: Lsn = lsnZero;
  flushed: Lsn = lsnZero;
  lagBytes: bigint | null = null;
  lastError: Failure | null = null;
  /** Keys that wait in the parked topic, as far as this relay knows. */
  parkedKeys = 0;
  /** Commit time of the last published transaction, µs since 1970. */
  publishedCommitTimeUs: bigint | null = null;
  /** Commit time of the oldest transaction that is received and not published, µs since 1970. */
  waitingSinceUs: bigint | null = null;
  readonly startedAt = new Date();

  fail(error: OperatingError): void {
    const { code, message, remedy } = error;
    this.lastError = { code, message, remedy, at: new Date().toISOString() };
  }

  /** Time since the commit of the oldest transaction that waits; 0 when none does. */
  lagMs(nowMs: number = Date.now()): number {
    return this.waitingSinceUs === null ? 0 : Math.max(0, nowMs - Number(this.waitingSinceUs / 1000n));
  }

  toJSON(): Record<string, unknown> {
    return {
      role: this.role,
      receivedLsn: formatLsn(this.received),
      publishedLsn: formatLsn(this.published),
      flushedLsn: formatLsn(this.flushed),
      lagBytes: this.lagBytes === null ? null : Number(this.lagBytes),
      lagMs: this.lagMs(),
      lastError: this.lastError,
      parkedKeys: this.parkedKeys,
      startedAt: this.startedAt.toISOString(),
    };
  }
}
