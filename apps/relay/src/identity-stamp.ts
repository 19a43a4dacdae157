import { IdentityWriter, identitiesOf, identityHeader, parseIdentity } from '@diptych/kafka/identity';
import { present } from '@diptych/runtime/assert';
import type { PanelRecord } from '@diptych/transaction/panel-record';
import type { Transaction } from '@diptych/transaction/transaction';
import type { SourceSystem } from '@diptych/wal/server';
import { timelineOf } from '@diptych/wal/timeline';
import type { PublishedRecord } from './panels.ts';

/** A record's framing, its identity header included, in bytes: about what Kafka's record format adds. */
const framingBytes = 96;
/** Of each other header. */
const headerBytes = 40;

/** Gives the records of the open transaction their identity and their time. */
export class IdentityStamp {
  readonly #source: SourceSystem;
  /** Into records that are written where they wait. */
  readonly writer = new IdentityWriter();
  #transaction: Parameters<typeof identitiesOf>[0] | null = null;
  #identity: ReturnType<typeof identitiesOf> | null = null;
  #timestampMs = 0;

  constructor(source: SourceSystem) {
    this.#source = source;
  }

  begin({ commitLsn, commitTimeUs, xid }: Transaction): void {
    const { timeline: current, history } = this.#source;
    const timeline = timelineOf(commitLsn, { current, history });
    this.#transaction = { timeline, commitLsn, xid, commitTimeUs };
    this.#identity = null;
    this.writer.begin(this.#transaction);
    this.#timestampMs = Number(commitTimeUs / 1000n);
  }

  /** Commit time of the transaction that is open, or was last, in ms since 1970. */
  get timestampMs(): number {
    return this.#timestampMs;
  }

  /** Commit time of the transaction that is open, or was last, in µs since 1970. */
  get commitTimeUs(): bigint {
    return BigInt(this.#timestampMs) * 1000n;
  }

  /** The record as it goes to Kafka. */
  stamp(
    record: PanelRecord,
    { panel, ordinal, part }: { panel: PublishedRecord['panel']; ordinal: number; part: number },
  ): PublishedRecord {
    const { topic, key, value, headers, spread, partition, timestampMs = this.#timestampMs } = record;
    this.#identity ??= identitiesOf(present(this.#transaction, 'an open transaction'));
    const identity = [identityHeader, this.#identity(ordinal, part)] as const;
    const made: PublishedRecord = {
      topic,
      key,
      value,
      headers: headers.length === 0 ? [identity] : [identity, ...headers],
      timestampMs,
      panel,
      bytes: bytesOf(record),
    };
    // Nearly all are of one shape, made in one piece: this runs for each record.
    if (!spread && partition === undefined) return made;
    return { ...made, ...(spread ? { spread } : {}), ...(partition === undefined ? {} : { partition }) };
  }
}

/** An outbox may set the timestamp of its records; the identity has the commit's. A word on parked records has none. */
export function committedAtUs({ headers: [first], timestampMs }: PublishedRecord): bigint {
  return first?.[0] === identityHeader ? parseIdentity(first[1]).commitTimeUs : BigInt(timestampMs) * 1000n;
}

/** What a record takes on the wire and in memory, about. */
export function bytesOf({ key, value, headers }: Pick<PanelRecord, 'key' | 'value' | 'headers'>): number {
  return sizeOf((key?.length ?? 0) + (value?.length ?? 0), headers.length);
}

/** The same, of so many bytes of key and value, and so many headers besides the identity. */
export function sizeOf(bytes: number, headers: number): number {
  return bytes + framingBytes + headerBytes * headers;
}
