/** What the console's server says about the relay, its slot, and what is parked (`console-api.ts`). */
import type { Trouble } from './console-api.ts';

/** One look at everything, every 5 s; null where it could not be had, or was not asked for. */
export interface HealthSample {
  readonly at: string;
  /** Of the slot, from the captured database when a connection to it is given, else from the relay. */
  readonly slotLagBytes: number | null;
  readonly slotLagSeconds: number | null;
  /** Records committed to Kafka, a second, since the sample before. */
  readonly eventsPerSecond: number | null;
  readonly changesPerSecond: number | null;
  /** From the commit in Postgres to the commit in Kafka, of what was published since the sample before. */
  readonly commitToKafkaMs: { readonly p50: number; readonly p99: number } | null;
  readonly parkedKeys: number | null;
  /** The comparison's own; null while nothing came. */
  readonly engineLagMs: number | null;
}

/** `GET /api/health?since=<ISO 8601>&points=600`: without `since` the last hour. */
export interface HealthAnswer {
  readonly relay: RelayHealth | null;
  readonly slot: SlotHealth | null;
  /** Oldest first; when there are more than `points`, some of them, evenly. */
  readonly samples: readonly HealthSample[];
  readonly sampleIntervalMs: number;
  /** Why relay or slot could not be asked. */
  readonly problems: readonly string[];
  /** What the console has to be told to show more, in words. */
  readonly hints: readonly string[];
}

/** What the relay says of itself. */
export interface RelayHealth {
  readonly url: string;
  readonly role: string;
  readonly ready: boolean;
  readonly delivery: string;
  readonly lagMs: number | null;
  readonly lagBytes: number | null;
  readonly parkedKeys: number;
  readonly standstill: { readonly forMs: number; readonly bytes: number; readonly reason: string } | null;
  readonly lastError: (Trouble & { readonly at: string }) | null;
  readonly startedAt: string;
  readonly snapshot: readonly SnapshotTable[] | null;
}

export interface SnapshotTable {
  readonly table: string;
  readonly state: string;
  readonly rows: number;
  /** What the server's statistics say; null when they say nothing. */
  readonly estimatedRows: number | null;
}

/** `pg_replication_slots` */
export interface SlotHealth {
  readonly name: string;
  readonly active: boolean;
  readonly walStatus: string | null;
  readonly lagBytes: number | null;
  readonly restartLsn: string | null;
  readonly confirmedFlushLsn: string | null;
}

/** `GET /api/parked`: in the order in which it was set aside; the first thousand. */
export interface ParkedAnswer {
  readonly parked: readonly ParkedEntry[];
  readonly count: number;
}

export interface ParkedEntry {
  readonly id: string;
  readonly reason: string;
  readonly detail: string | null;
  readonly topic: string | null;
  readonly key: string | null;
  readonly bytes: number;
  readonly committedAt: string;
  /** Only the first of a key can be released; the others follow it. */
  readonly releasable: boolean;
}

/** `POST /api/parked/<id>/release`, without a body: waits until the relay has done it, 30 s at most. */
export interface ReleaseAnswer {
  readonly released: readonly string[];
  readonly discarded: readonly string[];
  /** What stays parked, and why. */
  readonly remains: { readonly id: string; readonly reason: string; readonly remedy: string } | null;
}
