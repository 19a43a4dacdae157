/** Whoever drains a backlog: one small file each. */
import type { Watchdog } from '@diptych/testkit/watchdog';
import type { Backlog, Capture } from './backlog.ts';

export interface Arena {
  readonly brokers: readonly string[];
  /** Postgres's directory of its Unix socket. */
  readonly socketDirectory: string;
  /** Logs and configuration of competitors are written there. */
  readonly directory: string;
  readonly watchdog: Watchdog;
  readonly signal: AbortSignal;
}

/** A database of the arena, and what of it is captured. */
export interface Ground extends Arena {
  readonly databaseUrl: string;
  readonly capture: Capture;
}

export interface Competitor {
  readonly name: string;
  /** Makes what has to be there before the backlog is written: slot and topics, under a name that is nobody else's. */
  prepare(ground: Ground, id: string): Promise<Entry>;
}

/** One drain that is prepared. */
export interface Entry {
  readonly slots: readonly string[];
  /** Starts the tool. */
  start(start: Start): Promise<Running>;
  /** Ends whatever runs. */
  stop(): Promise<void>;
}

export interface Start {
  /** What our last drain of this backlog left at the destination; null before there was one. */
  readonly ours: Counted | null;
}

/** Records at a destination. */
export interface Counted {
  readonly records: number;
  /** Of their keys, values and headers. */
  readonly bytes: number;
}

export interface Running {
  /** Of all processes of the tool. */
  readonly pids: readonly number[];
  /** Where the rows of the outbox arrive; null: nowhere. */
  readonly eventTopic: string | null;
  /** Whether the first record is at the destination; asked often. */
  hasBegun(): Promise<boolean>;
  /** Whether the last one is. */
  hasAll(backlog: Backlog): Promise<boolean>;
  /** Counts the records of the destination, when the drain is over; null: a tool that keeps none. */
  count(): Promise<Counted | null>;
  /** Records that there ought to be; null: a tool that keeps none. */
  owed(backlog: Backlog): number | null;
}
