/** Raw messages to the records of both panels: the pure middle of the pipeline. */
import { encodeBegin, encodeEnd, type MarkerOptions, writeEnd } from '@diptych/change/end';
import { TopicNames } from '@diptych/change/topic-name';
import type { Admission, Event } from '@diptych/delivery/protocol';
import type { OutgoingRecord } from '@diptych/kafka/record';
import type { SnapshotLog } from '@diptych/kafka/snapshot-log';
import { changeTopicName, ownTopicNames } from '@diptych/kafka/topics';
import { topicSource } from '@diptych/outbox/router-options';
import { Decoder } from '@diptych/pgoutput/decoder';
import type { LogicalMessage } from '@diptych/pgoutput/message';
import { present, unreachable } from '@diptych/runtime/assert';
import type { Logger } from '@diptych/runtime/log';
import { Assembler } from '@diptych/transaction/assembler';
import type { PanelRecord } from '@diptych/transaction/panel-record';
import type {
  Transaction,
  TransactionChange,
  TransactionEnd,
  TransactionItem,
} from '@diptych/transaction/transaction';
import { lsn } from '@diptych/wal/lsn';
import type { TableName } from '@diptych/wal/publication';
import type { SourceSystem } from '@diptych/wal/server';
import type { WalMessage } from '@diptych/wal/session';
import { ChangePanel } from './change-panel.ts';
import type { Configuration } from './configuration.ts';
import { heartbeatRecord } from './heartbeat.ts';
import { bytesOf, IdentityStamp } from './identity-stamp.ts';
import { type Made, parkedCollectionOf } from './made-record.ts';
import { type Outbox, Outboxes, type Routing, routeEvent } from './outboxes.ts';
import { ParkingCounters } from './parking/parking-counters.ts';
import type { Poison } from './parking/poison.ts';
import { PlainRecords } from './plain-records.ts';
import { rowTooLarge } from './row-size.ts';
import type { Described } from './source.ts';
import { WaitingRecords } from './waiting-record.ts';
import { WrittenRecords } from './written-records.ts';

/** A record that is ready for Kafka, with what the relay counts by. */
export interface PublishedRecord extends OutgoingRecord {
  /** `parked`: set aside in place of an event, or what became of such a one. */
  readonly panel: 'domain' | 'change' | 'transaction' | 'parked' | 'heartbeat' | 'snapshot';
  /** Its size on the wire, about. */
  readonly bytes: number;
  /** How far snapshots are when this is in Kafka, and all before it: the checkpoint of its batch says so. */
  readonly snapshotLog?: SnapshotLog;
}

export interface PanelsOptions {
  readonly configuration: Configuration;
  readonly source: SourceSystem;
  readonly described: Described;
  /** The tables of the change publication, `schema.table`. */
  readonly changeTables: ReadonlySet<string>;
  /** What becomes of a record that can never be published. */
  readonly poison: Poison;
  readonly log: Logger;
  /** Told everything of the stream, in its order, before anything is made of it. */
  readonly onItem?: (item: TransactionItem) => void;
}

/** What is known of a change that an outbox makes an event of. */
type Routed = Routing & Pick<Made, 'failure' | 'original'> & { readonly outbox: Outbox };

/** The topic of a table's change events. */
export function changeTopic({ prefix }: Pick<Configuration, 'prefix'>, table: TableName): string {
  return changeTopicName({ prefix, schema: table.schema, table: table.name });
}

/** Reads one session's messages; a new session begins with a new one. */
export class Panels {
  readonly change: ChangePanel;
  readonly #decoder = new Decoder();
  readonly #assembler = new Assembler();
  readonly #outboxes: Outboxes;
  readonly #stamp: IdentityStamp;
  readonly #rowBytesMax: number;
  readonly #transactionTopic: string;
  /** Null: no heartbeats. */
  readonly #heartbeat: { readonly topic: string; readonly slot: string } | null;
  readonly #poison: Poison;
  readonly #topics: TopicNames;
  readonly #topicPrefix: string;
  readonly #onItem: (item: TransactionItem) => void;
  readonly #waiting = new WaitingRecords();
  readonly #written: WrittenRecords;
  readonly #plain: PlainRecords;
  #counters: ParkingCounters | null = null;

  constructor(options: PanelsOptions) {
    const { configuration, source, described, changeTables, poison, log } = options;
    this.#onItem = options.onItem ?? (() => {});
    const { outbox, limits, slot, heartbeat } = configuration;
    const own = ownTopicNames(configuration);
    const topics = new TopicNames({ topicsMax: limits.topicsMax + Object.keys(own).length });
    // The relay's own names are taken: a table called `checkpoint.<slot>` must not write there.
    for (const [what, topic] of Object.entries(own)) topics.of(`the relay's ${what} topic`, topic);
    this.#stamp = new IdentityStamp(source);
    this.#rowBytesMax = limits.rowBytesMax;
    this.#poison = poison;
    this.#topics = topics;
    this.#topicPrefix = outbox.topicPrefix;
    this.#transactionTopic = own.transaction;
    this.#heartbeat = heartbeat.intervalMs > 0 ? { topic: own.heartbeat, slot } : null;
    this.change = new ChangePanel({
      ...{ configuration, described, topics, database: source.database },
      // An outbox table is a business table only when it was put into that publication too.
      publishes: (table) => !this.#outboxes.hasTable(table) || changeTables.has(table),
    });
    this.#outboxes = new Outboxes({ configuration, topics, log, types: this.change.types });
    this.#written = new WrittenRecords({ poison, stamp: this.#stamp, waiting: this.#waiting });
    this.#plain = new PlainRecords({
      ...{ change: this.change, outboxes: this.#outboxes, stamp: this.#stamp },
      ...{ poison, written: this.#written, rowBytesMax: limits.rowBytesMax },
    });
  }

  /** Commit time of the transaction that is open, or was last, in µs since 1970. */
  get commitTimeUs(): bigint {
    return this.#stamp.commitTimeUs;
  }

  /**
   * Reads one message; returns what the state machine has to know of it, in order. `admission` is asked when a change may
   * have to be published. Throws OperatingError for what cannot be decoded or routed.
   */
  read(raw: WalMessage, admission: () => Admission): readonly Event<PublishedRecord>[] {
    const { bytes, start, end } = raw;
    const message = this.#decoder.decode(bytes, start, end);
    this.change.note(message);
    const item = this.#assembler.read(message, raw);
    if (!item) return [];
    this.#onItem(item);
    switch (item.tag) {
      case 'begin':
        return [this.#begin(item.transaction)];
      case 'change':
        return [this.#change(item, { admission: admission(), raw })];
      case 'end':
        return [this.#end(item)];
      case 'message':
        return this.#loose(item.message, bytes.subarray(start, end));
      default:
        return unreachable(item);
    }
  }

  /** A logical message outside every transaction; one that was published before is dropped by the state machine. */
  #loose(message: LogicalMessage, raw: Buffer): readonly Event<PublishedRecord>[] {
    const failure = rowTooLarge({ message }, { bytes: raw.length, rowBytesMax: this.#rowBytesMax });
    const made = this.change.encodeLoose(message, {
      previousCommitEndLsn: this.#assembler.previousCommitEndLsn,
      withoutValues: failure !== null,
    });
    if (!made) return [];
    const began = this.#begin(made.transaction);
    const record = this.#judged(made.record, {
      ...{ panel: 'change', ordinal: 1, part: 0, isDecided: false, failure },
      ...(failure ? { original: raw } : {}),
    });
    return [
      began,
      { tag: 'change-received', ordinal: 1, bytes: record.bytes, records: [record] },
      { tag: 'transaction-ended', commitEndLsn: lsn(message.lsn + 1n), bytes: 0, records: [] },
    ];
  }

  #begin(transaction: Transaction): Event<PublishedRecord> {
    this.#stamp.begin(transaction);
    if (this.#counters) this.#counters.begin(transaction);
    else this.#counters = new ParkingCounters(transaction);
    return { tag: 'transaction-began', commitLsn: transaction.commitLsn };
  }

  /** What was published before a restart is encoded once more, because END counts it, and then dropped. */
  #change(
    change: TransactionChange,
    { admission, raw: { bytes: read, start, end } }: { admission: Admission; raw: WalMessage },
  ): Event<PublishedRecord> {
    const { ordinal } = change;
    if (admission.tag === 'skip') return { tag: 'change-received', ordinal, bytes: 0, records: [] };
    const isDecided = admission.tag === 'resume' && ordinal <= admission.seq;
    const counters = present(this.#counters, 'the counters of the open transaction');
    const plain = admission.tag === 'take' ? this.#plain.of(change, { counters, size: end - start }) : null;
    if (plain) return { tag: 'change-received', ordinal, bytes: plain.bytes, records: [plain] };
    const isFirst = this.change.begins && counters.isEmpty;
    const records = this.#recordsOf(change, { isDecided, raw: read.subarray(start, end) });
    // As END, it is not for a transaction of nothing but a heartbeat.
    if (isFirst && !counters.isEmpty) records.unshift(this.#beginRecord(change.transaction));
    const bytes = this.#waiting.pack(records);
    return { tag: 'change-received', ordinal, bytes, records };
  }

  #recordsOf(
    change: TransactionChange,
    { isDecided, raw }: { isDecided: boolean; raw: Buffer },
  ): PublishedRecord[] {
    const { message, ordinal } = change;
    // Not counted: a transaction of nothing but a heartbeat has no END.
    const beat = this.#heartbeat && heartbeatRecord(change, this.#heartbeat);
    if (beat) return [this.#stamp.stamp(beat, { panel: 'heartbeat', ordinal, part: 0 })];
    const counters = present(this.#counters, 'the counters of the open transaction');
    counters.noteContext(message);
    const outbox = this.#outboxes.of(message);
    const { masked, failure: unmasked } = this.#outboxes.masked(change);
    const withheld = rowTooLarge(change, { bytes: raw.length, rowBytesMax: this.#rowBytesMax }) ?? unmasked;
    const failure = isDecided ? null : withheld;
    const made = { isDecided, failure, original: unmasked ? raw : undefined };
    const event = outbox ? this.#event(masked, { ...made, outbox, stored: change }) : null;
    const records: PublishedRecord[] = event ? [event] : [];
    for (const record of this.change.encode(masked, counters, { withoutValues: withheld !== null })) {
      const part = record.part + (event ? 1 : 0);
      const isWithheld = withheld !== null && record.value !== null;
      const [why, original] = isWithheld ? [failure, raw] : [record.failure ?? null];
      // A TRUNCATE goes to every partition and has no key: nothing to keep in order, and never large.
      const judged = record.spread
        ? this.#stamp.stamp(record, { panel: 'change', ordinal, part })
        : this.#judged(record, { panel: 'change', ordinal, part, isDecided, failure: why, original });
      records.push(judged);
      if (judged.panel !== 'parked') continue;
      counters.countParked();
      if (record.value !== null) counters.parkChange(parkedCollectionOf(message));
    }
    return records;
  }

  /** The domain event of an outbox row, or the record that is parked in its place. */
  #event(change: TransactionChange, { outbox, ...known }: Routed): PublishedRecord | null {
    const counters = present(this.#counters, 'the counters of the open transaction');
    const routed = routeEvent(outbox, change, known);
    if (!routed) return null;
    const { record, eventType } = routed;
    const failure = routed.failure ?? known.failure;
    const made: Made = { ...known, panel: 'domain', ordinal: change.ordinal, part: 0, failure };
    const event = this.#judged(record, { ...made, onPoison: outbox.onPoison });
    if (event.panel === 'parked') counters.countParked();
    else counters.countDomainEvent(event.topic, eventType);
    return event;
  }

  #beginRecord(transaction: Transaction): PublishedRecord {
    const counters = present(this.#counters, 'the counters of the open transaction');
    const begin = encodeBegin(transaction, this.#markerOf(counters));
    return this.#stamp.stamp(begin, { panel: 'transaction', ordinal: 0, part: 0 });
  }

  #markerOf(counters: ParkingCounters): MarkerOptions {
    return { counters, topic: this.#transactionTopic, schemas: this.change.transactionSchemas };
  }

  #end(end: TransactionEnd): Event<PublishedRecord> {
    const counters = present(this.#counters, 'the counters of the open transaction');
    const { commitEndLsn } = end;
    if (counters.isEmpty) return { tag: 'transaction-ended', commitEndLsn, bytes: 0, records: [] };
    const marker = this.#markerOf(counters);
    const place = { panel: 'transaction', ordinal: end.rawMessages + 1, part: 0 } as const;
    const written = writeEnd(end, marker);
    const plain = written && this.#written.of(written, place);
    if (plain) return { tag: 'transaction-ended', commitEndLsn, bytes: plain.bytes, records: [plain] };
    const record = this.#stamp.stamp(encodeEnd(end, marker), place);
    const records = [record];
    return { tag: 'transaction-ended', commitEndLsn, bytes: this.#waiting.pack(records), records };
  }

  /** The valid topic of a domain event that was parked because it had none. Throws what TopicNaming throws. */
  domainTopic(asked: string): string {
    return this.#topics.of(topicSource(asked, this.#topicPrefix), asked);
  }

  /** The record as it is published, or as it is parked. */
  #judged(
    record: Omit<PanelRecord, 'topic'> & { readonly topic: string | null },
    { panel, ordinal, part, isDecided, failure, original, onPoison }: Made,
  ): PublishedRecord {
    const { topic } = record;
    const named = topic === null ? { ...record, topic: '' } : (record as PanelRecord);
    const made = this.#stamp.stamp(named, { panel, ordinal, part });
    const parked = this.#poison.park({ record: made, panel, topic, failure, isDecided, original, onPoison });
    if (parked) return { ...parked, panel: 'parked', bytes: bytesOf(parked) };
    // Published once, and refused now: the names of topics were given in another order.
    if (failure) throw failure;
    return made;
  }
}
