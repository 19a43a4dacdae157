/** Typed events for those who only want to read: no group, no database, no position but the reader's own. */
import type { Contracts } from '@diptych/events/event-contract';
import { follow, type OffsetsByTopic, readToEnd } from '@diptych/kafka/partition-reader';
import type { OperatingError } from '@diptych/runtime/failure';
import type { Brokers } from '@diptych/runtime/kafka-access';
import { type DomainEvent, readDomainEvent } from './domain-event.ts';

export interface EventsOptions<C extends Contracts> {
  readonly brokers: Brokers;
  readonly topics: readonly string[];
  readonly contracts: C;
  /** Default `beginning`. Offsets to go on from are those behind `event.at`. */
  readonly from?: 'beginning' | 'end' | OffsetsByTopic;
  /** `now`: ends with what is committed at the call. Default: on and on as they come. */
  readonly until?: 'now';
  /** Ends reading: quietly, or with its reason when the end (`until`) was not reached. */
  readonly signal?: AbortSignal;
  /** Given each event that cannot be read, which is left out then. Default: reading ends with the error. */
  readonly onUnreadable?: (failure: OperatingError) => void;
}

/**
 * Committed events of the types that the contracts know, each in its newest version, each partition in its order. Other types
 * are left out. Throws OperatingError: `event-malformed` and `contract-unknown-version` unless `onUnreadable` is given,
 * `records-expired`, `kafka-refused`, and with `until` also `kafka-unreachable`.
 */
export async function* events<C extends Contracts>(
  options: EventsOptions<C>,
): AsyncGenerator<DomainEvent<C>, void, undefined> {
  const { contracts, onUnreadable } = options;
  const isWanted = (type: string) => Object.hasOwn(contracts, type);
  for await (const record of recordsOf(options)) {
    const reading = readDomainEvent(record, { contracts, isWanted });
    if (reading.tag === 'event') yield reading.event;
    if (reading.tag !== 'unreadable') continue;
    if (!onUnreadable) throw reading.failure;
    onUnreadable(reading.failure);
  }
}

function recordsOf({
  brokers,
  topics,
  from = 'beginning',
  until,
  signal,
}: Omit<EventsOptions<Contracts>, 'contracts'>) {
  const reading = { brokers, topics, ...(signal && { signal }) };
  if (until !== 'now') return follow({ ...reading, from });
  return readToEnd({ ...reading, from: from === 'end' ? { last: 0n } : from });
}
