/** What all partitions of one inbox share. */
import type { Contracts } from '@diptych/events/event-contract';
import type { GroupMember } from '@diptych/kafka/group-member';
import type { PartitionFeeds } from '@diptych/kafka/partition-feeds';
import type { IncomingRecord } from '@diptych/kafka/record';
import type { OperatingError } from '@diptych/runtime/failure';
import type { Logger } from '@diptych/runtime/log';
import type { LimitFunction } from 'p-limit';
import type { Pool, PoolClient } from 'pg';
import type { DatabaseGate } from './database-gate.ts';
import type { DomainEvent, Reading } from './domain-event.ts';
import type { InboxMetrics } from './inbox-metrics.ts';

/** What becomes of an event that cannot be handled: it is set aside with its key, or the inbox stops in front of it. */
export type Policy = 'park' | 'stop';

export interface Limits {
  /** How often an event is tried before it is parked. */
  readonly attemptsMax: number;
  /** Before the second attempt; doubled for each one after. */
  readonly retryPauseMs: number;
  readonly retryPauseMaxMs: number;
  /** Keys that may wait in one partition. */
  readonly parkedKeysMax: number;
  /** How long a handler may leave its transaction idle. */
  readonly idleMsMax: number;
}

export interface LaneContext {
  readonly group: string;
  /** Whose inbox rows they are; null where the position alone is remembered. */
  readonly consumer: string | null;
  readonly pool: Pool;
  readonly read: (record: IncomingRecord) => Reading<Contracts>;
  readonly handle: (events: readonly DomainEvent<Contracts>[], tx: PoolClient) => Promise<void>;
  /** How many consecutive events of a partition may share a transaction. */
  readonly eventsMax: number;
  readonly from: 'beginning' | 'end';
  readonly onPoison: Policy;
  readonly onUnknownVersion: Policy;
  readonly limits: Limits;
  readonly feeds: PartitionFeeds;
  /** Null between two memberships. */
  readonly member: () => GroupMember | null;
  readonly gate: DatabaseGate;
  /** Bounds how many transactions are open at once. */
  readonly turns: LimitFunction;
  readonly metrics: InboxMetrics;
  readonly log: Logger;
  /** Ends the inbox in front of what it cannot get over. */
  readonly stop: (failure: OperatingError) => void;
  /** Aborts when the inbox ends; lanes end earlier, with their partition. */
  readonly ending: AbortSignal;
}
