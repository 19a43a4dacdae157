/** What is asked of an inbox, and what it does unless it is asked otherwise. */
import type { Contracts } from '@diptych/events/event-contract';
import { assert } from '@diptych/runtime/assert';
import type { Brokers } from '@diptych/runtime/kafka-access';
import type { Logger } from '@diptych/runtime/log';
import type { Pool, PoolClient } from 'pg';
import type { DomainEvent } from './domain-event.ts';
import type { Limits, Policy } from './lane-context.ts';

/**
 * What an event does to the database, all of it through `tx`, which it neither commits nor rolls back. It may run again when
 * the transaction fails, so it does nothing that a rollback cannot undo. What it throws is tried again, then parked; an
 * OperatingError that time does not mend is parked at once.
 */
export type Handler<C extends Contracts, Type extends keyof C & string> = (
  event: DomainEvent<C, Type>,
  tx: PoolClient,
) => Promise<void>;

/** Types without a handler are passed over. */
export type Handlers<C extends Contracts> = { readonly [Type in keyof C & string]?: Handler<C, Type> };

/**
 * A handler of several events at once, in the order in which they came, for effects that are cheaper together: what it throws
 * is tried again with each event alone. It gets all types that the contracts know, and holds to what `Handler` says.
 */
export interface Batches<C extends Contracts> {
  /** Consecutive events of a partition in one transaction, at most. */
  readonly eventsMax: number;
  readonly handle: (events: readonly DomainEvent<C>[], tx: PoolClient) => Promise<void>;
}

/** With either handlers of single events, or one of several at once. */
export type InboxOptions<C extends Contracts> = InboxSettings<C> &
  (
    | { readonly handlers: Handlers<C>; readonly batches?: never }
    | { readonly batches: Batches<C>; readonly handlers?: never }
  );

export interface InboxSettings<C extends Contracts> {
  /** Of the database that the handlers write to, with at least one connection more than `parallelMax`. */
  readonly pool: Pool;
  readonly brokers: Brokers;
  /** The consumer group: its members share the partitions, and its positions are in the database. */
  readonly group: string;
  /**
   * Whose inbox rows they are: a consumer handles an event once, whatever group and topic it comes by. Default: the group.
   * Null: only the position is remembered, which is enough where repeats do no harm.
   */
  readonly consumer?: string | null;
  readonly topics: readonly string[];
  readonly contracts: C;
  /** Where a group begins that has no position in a partition. Default `beginning`. */
  readonly from?: 'beginning' | 'end';
  /** What becomes of an event that is malformed, or whose handler keeps failing. Default `park`. */
  readonly onPoison?: Policy;
  /** What becomes of an event of a version that the contracts do not know. Default `park`. */
  readonly onUnknownVersion?: Policy;
  /** How many partitions may have a transaction open at the same time. Default 4. */
  readonly parallelMax?: number;
  /** How long it is remembered which events were handled. Default 30 days. */
  readonly keepMs?: number;
  readonly limits?: Partial<Limits>;
  /** A member that sends no heartbeat for so long loses its partitions. Default 30 s. */
  readonly sessionTimeoutMs?: number;
  /** Run before anything else, and again until it succeeds. Default: creates the inbox's tables. */
  readonly prepare?: () => Promise<void>;
  readonly log: Logger;
}

export const keepMsDefault = 30 * 24 * 60 * 60 * 1000;
export const parallelMaxDefault = 4;

const limitsDefault: Limits = {
  attemptsMax: 5,
  retryPauseMs: 100,
  retryPauseMaxMs: 10_000,
  parkedKeysMax: 10_000,
  idleMsMax: 30_000,
};

/** Asserts that the options can work at all. */
export function limitsOf<C extends Contracts>({
  pool,
  topics,
  parallelMax = parallelMaxDefault,
  limits,
}: InboxSettings<C>): Limits {
  assert(topics.length > 0, 'an inbox reads at least one topic');
  assert(
    (pool.options.max ?? 10) > parallelMax,
    'the pool has at least one connection more than parallelMax, or an inbox waits for itself',
  );
  return { ...limitsDefault, ...limits };
}
