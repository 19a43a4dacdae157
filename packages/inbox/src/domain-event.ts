/** A domain event as its reader has it: what the headers say (docs/wire.md, "Records"), and the newest version of its payload. */
import type { Contracts, EventOf } from '@diptych/events/event-contract';
import { type ReadRefusal, readEvent } from '@diptych/events/read-event';
import { type Identity, identityHeader, readIdentity } from '@diptych/kafka/identity';
import type { IncomingRecord } from '@diptych/kafka/record';
import { unreachable } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import { parseLossless } from '@diptych/runtime/json';

export interface DomainEventHeaders {
  /** UUID, the identity of the event: the same however often it comes. */
  readonly id: string;
  readonly type: string;
  /** Version of the type's contract in which it was written, from 1. */
  readonly version: number;
}

/** What is told of an event besides its payload. */
export interface Told {
  readonly id: string;
  readonly version: number;
  /** The record's key; null when it has none. */
  readonly aggregateId: string | null;
  /** Place of the event in its aggregate, from 1; null when the outbox does not count. */
  readonly aggregateVersion: bigint | null;
  /** Commit time, unless the outbox says otherwise. */
  readonly time: Date;
  /** Transaction and place in it; null when it is not the relay's record. */
  readonly identity: Identity | null;
  readonly headers: ReadonlyMap<string, string>;
  readonly at: { readonly topic: string; readonly partition: number; readonly offset: bigint };
}

/** An event of one of the types, in its newest version: a union on `type`. */
export type DomainEvent<C extends Contracts, Type extends keyof C & string = keyof C & string> = Extract<
  EventOf<C>,
  { readonly type: Type }
> &
  Told;

export type Reading<C extends Contracts> =
  | { readonly tag: 'event'; readonly event: DomainEvent<C> }
  /** No contract knows the type, or nobody asked for it. */
  | { readonly tag: 'passed-over' }
  /** `event-malformed` or `contract-unknown-version`: to be parked or stopped at, never guessed. */
  | { readonly tag: 'unreadable'; readonly failure: OperatingError };

/** Reads a record by the contracts; types for which `isWanted` is false are not looked into. Never throws. */
export function readDomainEvent<C extends Contracts>(
  record: IncomingRecord,
  { contracts, isWanted }: { contracts: C; isWanted: (type: string) => boolean },
): Reading<C> {
  try {
    const headers = readHeaders(record);
    const { type, version } = headers;
    if (!isWanted(type)) return { tag: 'passed-over' };
    const read = readEvent(contracts, { type, version, payload: readPayload(record) });
    if (!read.ok) return refused(record, read);
    // The payload is the contract's, what is told is the record's.
    return { tag: 'event', event: { ...read.event, ...told(record, headers) } as DomainEvent<C> };
  } catch (error) {
    if (error instanceof OperatingError) return { tag: 'unreadable', failure: error };
    throw error;
  }
}

function refused(
  record: IncomingRecord,
  { reason, detail }: { readonly reason: ReadRefusal; readonly detail: string },
): Reading<never> {
  switch (reason) {
    case 'type-unknown':
      return { tag: 'passed-over' };
    case 'payload-invalid':
      return { tag: 'unreadable', failure: malformed(record, detail) };
    case 'contract-unknown-version': {
      const failure = new OperatingError(reason, `the event at ${placeOf(record)}: ${detail}`, {
        remedy: 'Deploy a consumer that knows this version; until then the event waits.',
      });
      return { tag: 'unreadable', failure };
    }
    default:
      return unreachable(reason);
  }
}

function told(record: IncomingRecord, { id, version }: DomainEventHeaders): Told {
  const { topic, partition, offset, key, headers, timestampMs } = record;
  const aggregateVersion = headers.get('aggregateVersion');
  return {
    ...{ id, version, headers },
    aggregateId: key?.toString() ?? null,
    aggregateVersion:
      aggregateVersion !== undefined && /^\d+$/.test(aggregateVersion) ? BigInt(aggregateVersion) : null,
    time: new Date(timestampMs),
    identity: readIdentity(headers.get(identityHeader) ?? ''),
    at: { topic, partition, offset },
  };
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const positive = /^[1-9]\d{0,8}$/;

/** Throws OperatingError `event-malformed` when a header is missing or not what the wire promises. */
export function readHeaders(record: IncomingRecord): DomainEventHeaders {
  const id = header(record, { name: 'id', pattern: uuid, expected: 'a UUID' });
  const type = header(record, { name: 'eventType', pattern: /./, expected: 'a name' });
  const version = header(record, { name: 'eventVersion', pattern: positive, expected: 'a number from 1' });
  return { id, type, version: Number(version) };
}

/** The payload, integers exact to the last digit. Throws OperatingError `event-malformed` when it is not JSON. */
export function readPayload(record: IncomingRecord): unknown {
  if (record.value === null) throw malformed(record, 'it has no payload');
  try {
    return parseLossless(record.value.toString('utf8'));
  } catch {
    // The parser's own message quotes the payload, which must not get into a log.
    throw malformed(record, 'its payload is not JSON');
  }
}

/** The error of an event that cannot be handled as it is. `why` names fields, never their values: it is logged. */
export function malformed(record: IncomingRecord, why: string): OperatingError {
  return new OperatingError('event-malformed', `the event at ${placeOf(record)} cannot be read: ${why}`, {
    remedy: 'Deploy a consumer that knows this event and release it, or discard it.',
  });
}

const placeOf = ({ topic, partition, offset }: IncomingRecord): string => `${topic}/${partition}/${offset}`;

function header(
  record: IncomingRecord,
  { name, pattern, expected }: { name: string; pattern: RegExp; expected: string },
): string {
  const value = record.headers.get(name);
  if (value === undefined) throw malformed(record, `it has no header ${name}`);
  if (!pattern.test(value)) throw malformed(record, `its header ${name} is not ${expected}`);
  return value;
}
