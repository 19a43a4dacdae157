/** A domain event as it comes from its topic: what the headers say (docs/wire.md, "Records"), and the payload. */
import { parseLossless } from '@diptych/kafka/json';
import type { IncomingRecord } from '@diptych/kafka/record';
import { OperatingError } from '@diptych/runtime/failure';

export interface DomainEventHeaders {
  /** UUID, the identity of the event. */
  readonly id: string;
  readonly type: string;
  /** Version of the type's contract, from 1. */
  readonly version: number;
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

/**
 * The error of an event that cannot be handled as it is: its consumer stops in front of it, because passing over it
 * would lose it. `why` names fields, never their values: it is logged.
 */
export function malformed(record: IncomingRecord, why: string): OperatingError {
  const { topic, partition, offset } = record;
  return new OperatingError(
    'event-malformed',
    `the event at ${topic}/${partition}/${offset} cannot be read: ${why}`,
    {
      remedy:
        'Deploy a consumer that knows this event and its version, or move the group past the offset by hand.',
    },
  );
}

function header(
  record: IncomingRecord,
  { name, pattern, expected }: { name: string; pattern: RegExp; expected: string },
): string {
  const value = record.headers.get(name);
  if (value === undefined) throw malformed(record, `it has no header ${name}`);
  if (!pattern.test(value)) throw malformed(record, `its header ${name} is not ${expected}`);
  return value;
}
