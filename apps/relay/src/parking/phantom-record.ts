/**
 * The list of phantoms that an operator accepted: transactions that Kafka holds and the promoted server never had. It
 * stands in the parked topic, which is where people look for what is not as it should be (docs/failover.md).
 */
import type { IncomingRecord, OutgoingRecord } from '@diptych/kafka/record';
import { z } from 'zod';

export const phantomsHeader = 'diptych-phantoms';

const phantom = z.object({
  /** PostgreSQL's text form. */
  commitLsn: z.string(),
  xid: z.number(),
  committedAt: z.string(),
  /** Change events and domain events that Kafka holds of it; null when its END does not tell. */
  changes: z.number().nullable(),
  domainEvents: z.number().nullable(),
});

const phantomsBody = z.object({
  timeline: z.number(),
  newTimeline: z.number(),
  /** The switch point. */
  from: z.string(),
  /** The last commit LSN that Kafka holds of the abandoned part. */
  upTo: z.string(),
  /** The last one, when Kafka holds only its first `seq` raw messages and no END. */
  part: z.object({ lsn: z.string(), seq: z.number() }).nullable(),
  /** How many there are in all records of this list. */
  count: z.number(),
  phantoms: z.array(phantom),
});

export type Phantom = z.output<typeof phantom>;
export type PhantomsBody = z.output<typeof phantomsBody>;

/** One record of a list. */
export interface PhantomList extends PhantomsBody {
  readonly tag: 'phantoms';
  readonly acceptedAt: string;
}

/** About 130 bytes each: a record stays below what topics take by default, 1 MiB. */
const phantomsPerRecord = 2000;

/** The records of one list, in its order; one when it is empty, because its range is something to know too. */
export function encodePhantoms(
  body: PhantomsBody,
  { parkedTopic, slot }: { parkedTopic: string; slot: string },
): OutgoingRecord[] {
  const chunks = Array.from(
    { length: Math.max(1, Math.ceil(body.phantoms.length / phantomsPerRecord)) },
    (_, index) => body.phantoms.slice(index * phantomsPerRecord, (index + 1) * phantomsPerRecord),
  );
  return chunks.map((phantoms) => ({
    topic: parkedTopic,
    key: null,
    value: Buffer.from(JSON.stringify({ ...body, phantoms })),
    headers: [
      [phantomsHeader, String(body.timeline)],
      ['diptych-slot', slot],
    ],
    timestampMs: Date.now(),
  }));
}

/** Throws an Error when it is not such a record. */
export function phantomListOf(record: IncomingRecord, body: unknown): PhantomList {
  const acceptedAt = new Date(record.timestampMs).toISOString();
  return { ...phantomsBody.parse(body), tag: 'phantoms', acceptedAt };
}
