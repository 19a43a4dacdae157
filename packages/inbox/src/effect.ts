/** What events do to the reader's database in the transaction that moves the position behind them. */
import type { Contracts } from '@diptych/events/event-contract';
import { OperatingError } from '@diptych/runtime/failure';
import type { PoolClient } from 'pg';
import type { DomainEvent } from './domain-event.ts';
import type { LaneContext } from './lane-context.ts';

/**
 * Thrown by a handler that has nothing more to do here, whatever event comes: the inbox stops in front of the event. It is no
 * attempt, and nothing is parked.
 */
export class StopInboxError extends OperatingError {}

/** How many of the events had their effect. */
export interface Effect {
  readonly handled: number;
  /** Those that this consumer had handled before. */
  readonly repeated: number;
}

/** Gives those of the events their effect that the consumer meets for the first time, in their order. */
export async function giveEffect(
  tx: PoolClient,
  events: readonly DomainEvent<Contracts>[],
  { consumer, handle }: Pick<LaneContext, 'consumer' | 'handle'>,
): Promise<Effect> {
  const first = consumer === null ? events : await firstOf(tx, events, consumer);
  if (first.length > 0) await handle(first, tx);
  return { handled: first.length, repeated: events.length - first.length };
}

/** Those that the consumer meets for the first time. Waits for a transaction in which somebody else does. */
async function firstOf(
  tx: PoolClient,
  events: readonly DomainEvent<Contracts>[],
  consumer: string,
): Promise<readonly DomainEvent<Contracts>[]> {
  // https://www.postgresql.org/docs/18/sql-insert.html#SQL-ON-CONFLICT
  const { rows } = await tx.query<{ event_id: string }>(
    `insert into inbox (consumer, event_id) select $1, unnest($2::uuid[])
     on conflict do nothing returning event_id`,
    [consumer, events.map(({ id }) => id)],
  );
  const fresh = new Set(rows.map(({ event_id }) => event_id));
  // Of an event that is there twice, the first one.
  return events.filter(({ id }) => fresh.delete(id.toLowerCase()));
}

/** Why an event is given up after so many attempts. */
export function failureOf(
  error: unknown,
  { type, attempts }: { type: string; attempts: number },
): OperatingError {
  if (error instanceof OperatingError && error.retry !== 'timed') return error;
  const times = attempts === 1 ? 'once' : `${attempts} times`;
  return new OperatingError('handler-failed', `the handler of ${type} failed ${times}: ${messageOf(error)}`, {
    remedy: 'Mend the handler or its surroundings and release the event, or discard it.',
    cause: error,
  });
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
