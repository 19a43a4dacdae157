/**
 * Domain events in commit order, without gaps. Records come from any number of partitions in any interleaving; only inside
 * one partition their order is given. END records come in commit order, and each says how many events its transaction has:
 * a transaction comes out when all of them are there, and holds back those behind it until then.
 */
import { type Identity, identityHeader, parseIdentity } from '@diptych/kafka/identity';
import type { IncomingRecord } from '@diptych/kafka/record';
import { OperatingError } from '@diptych/runtime/failure';
import { parseLossless } from '@diptych/runtime/json';
import { formatLsnSortable } from '@diptych/wal/lsn';
import { z } from 'zod';

/** A place in commit order, behind a whole transaction. */
export type Place = Pick<Identity, 'timeline' | 'commitLsn'>;

export interface SequencedRecord {
  readonly identity: Identity;
  readonly record: IncomingRecord;
}

/** The events of one transaction, in their order. */
export type SequencedTransaction =
  | {
      readonly tag: 'whole';
      readonly identity: Identity;
      readonly records: readonly SequencedRecord[];
      /** What said that it is whole. */
      readonly end: IncomingRecord;
    }
  /** An event that was parked and is told now, behind what was committed meanwhile: in order only for its key. */
  | {
      readonly tag: 'released';
      readonly identity: Identity;
      readonly records: readonly SequencedRecord[];
      /** What is known to be whole. */
      readonly behind: Place;
    };

export interface EventSequenceOptions {
  readonly transactionTopic: string;
  /** What stands at this place or before it is left out. */
  readonly after?: Place | undefined;
  /** Records that wait for the rest of their transactions, all together. */
  readonly pendingRecordsMax?: number;
}

/** At about 1 KB each half a gigabyte, reached only when one partition is read far ahead of another. */
const pendingRecordsMaxDefault = 500_000;

const releasedHeader = 'diptych-released';

const endSchema = z.object({
  status: z.string(),
  domain_events: z.array(z.object({ topic: z.string(), event_count: z.number() })).nullish(),
});

interface Pending {
  readonly records: Map<string, SequencedRecord>;
  /** Of the topics that are read; null while its END has not come. */
  end: { readonly identity: Identity; readonly expected: number; readonly record: IncomingRecord } | null;
}

export class EventSequence {
  readonly #options: EventSequenceOptions;
  readonly #topics: ReadonlySet<string>;
  readonly #pending = new Map<string, Pending>();
  /** Those whose END has come, in commit order. */
  readonly #ended = new Set<Pending>();
  readonly #released: SequencedRecord[] = [];
  #waiting = 0;
  #horizon: Place | undefined;

  /** `topics` are the domain topics that are read, all of them. */
  constructor(topics: readonly string[], options: EventSequenceOptions) {
    this.#options = options;
    this.#topics = new Set(topics);
    this.#horizon = options.after;
  }

  /** Takes a record in. Throws OperatingError: `record-unreadable`, `comparison-exhausted`. */
  add(record: IncomingRecord): void {
    const identity = identityOf(record);
    if (record.topic === this.#options.transactionTopic) this.#addEnd(record, identity);
    else this.#addEvent(record, identity);
  }

  /** What has become whole, in commit order. Each transaction comes out once, and none without events. */
  complete(): SequencedTransaction[] {
    const transactions = this.#released.splice(0).map(
      (one): SequencedTransaction => ({
        ...{ tag: 'released', identity: one.identity, records: [one] },
        behind: this.#horizon ?? one.identity,
      }),
    );
    for (const pending of this.#ended) {
      const { end, records } = pending;
      if (!end || records.size < end.expected) break;
      this.#ended.delete(pending);
      this.#pending.delete(keyOf(end.identity));
      this.#waiting -= records.size;
      this.#horizon = end.identity;
      if (records.size === 0) continue;
      const { identity, record } = end;
      const ordered = [...records.values()].sort((left, right) =>
        compareIdentities(left.identity, right.identity),
      );
      transactions.push({ tag: 'whole', identity, records: ordered, end: record });
    }
    return transactions;
  }

  /** Whether the END of a transaction has come that is not whole. */
  get isBlocked(): boolean {
    return this.#ended.size > 0;
  }

  #addEnd(record: IncomingRecord, identity: Identity): void {
    const { status, domain_events } = readEnd(record);
    if (status !== 'END' || !isAfter(identity, this.#horizon)) return;
    const expected = (domain_events ?? [])
      .filter(({ topic }) => this.#topics.has(topic))
      .reduce((sum, { event_count }) => sum + event_count, 0);
    const pending = this.#pendingOf(identity);
    pending.end = { identity, expected, record };
    this.#ended.add(pending);
  }

  #addEvent(record: IncomingRecord, identity: Identity): void {
    if (record.headers.has(releasedHeader)) {
      this.#released.push({ identity, record });
      return;
    }
    // Told already: without Kafka transactions a record may come again.
    if (!isAfter(identity, this.#horizon)) return;
    const { records } = this.#pendingOf(identity);
    const before = records.size;
    records.set(`${identity.ordinal}-${identity.part}`, { identity, record });
    this.#waiting += records.size - before;
    const { pendingRecordsMax = pendingRecordsMaxDefault } = this.#options;
    if (this.#waiting > pendingRecordsMax) throw exhausted(pendingRecordsMax);
  }

  #pendingOf(identity: Identity): Pending {
    const key = keyOf(identity);
    const pending = this.#pending.get(key) ?? { records: new Map(), end: null };
    this.#pending.set(key, pending);
    return pending;
  }
}

/** Commit order. A later timeline begins where it left the one before. */
function comparePlaces(left: Place, right: Place): number {
  if (left.timeline !== right.timeline) return left.timeline - right.timeline;
  if (left.commitLsn === right.commitLsn) return 0;
  return left.commitLsn < right.commitLsn ? -1 : 1;
}

/** Commit order, and the order inside a transaction. */
export function compareIdentities(left: Identity, right: Identity): number {
  return comparePlaces(left, right) || left.ordinal - right.ordinal || left.part - right.part;
}

const isAfter = (place: Place, other: Place | undefined): boolean =>
  other === undefined || comparePlaces(place, other) > 0;

const keyOf = ({ timeline, commitLsn }: Place): string => `${timeline}-${formatLsnSortable(commitLsn)}`;

/** Throws OperatingError `record-unreadable`. */
export function identityOf(record: IncomingRecord): Identity {
  const header = record.headers.get(identityHeader);
  if (header === undefined) throw unreadable(record, `it has no header ${identityHeader}`);
  return parseIdentity(header);
}

function readEnd(record: IncomingRecord): z.infer<typeof endSchema> {
  try {
    return endSchema.parse(parseLossless(record.value?.toString() ?? ''));
  } catch (cause) {
    throw unreadable(record, 'it is neither BEGIN nor END', cause);
  }
}

function unreadable(
  { topic, partition, offset }: IncomingRecord,
  why: string,
  cause?: unknown,
): OperatingError {
  const where = `${topic}, partition ${partition}, offset ${offset}`;
  return new OperatingError('record-unreadable', `the record at ${where} is not the relay’s: ${why}`, {
    remedy: 'Let nobody else write to these topics; give a second relay another prefix.',
    cause,
  });
}

function exhausted(pendingRecordsMax: number): OperatingError {
  return new OperatingError(
    'comparison-exhausted',
    `more than ${pendingRecordsMax} events wait for the rest of their transactions`,
    { remedy: 'See that the transaction topic and all partitions of the domain topics can be read.' },
  );
}
