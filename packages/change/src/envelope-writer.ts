import type { Before, LogicalMessage } from '@diptych/pgoutput/message';
import type { Row } from '@diptych/pgoutput/row';
import type { Transaction, TransactionChange } from '@diptych/transaction/transaction';
import type { JsonWriter } from './json-writer.ts';
import { messageCollection, writeMessage } from './message-event.ts';
import type { SchemaHead } from './record-schema.ts';
import type { RelationPlan } from './relation-plan.ts';
import {
  type LooseSource,
  type ReadSource,
  SourceBlock,
  type SourceOptions,
  type TransactionParts,
} from './source-block.ts';
import type { ChangePlace, TransactionCounters } from './transaction-counters.ts';
import type { ValueModes } from './value-modes.ts';

/** One change event to be written. */
export interface ChangeEvent {
  readonly op: 'c' | 'u' | 'd' | 't' | 'r';
  readonly before: Before | null;
  readonly after: Row | null;
  /** Where values of `after` that were not sent may stand. */
  readonly known: Before | null;
}

/** Of which transaction an event is, and with whose counters. */
export interface EventContext {
  readonly change: TransactionChange;
  readonly counters: TransactionCounters;
  /** The change is too large to be made into an envelope: none is written. */
  readonly withoutValues: boolean;
}

export interface EnvelopeOptions extends SourceOptions {
  readonly binary: ValueModes['binary'];
  /** What stands before a logical message's value; null without schemas. */
  readonly messageHead: SchemaHead | null;
  /** Now, in ms since 1970: the envelope's own `ts_*`, when the event was made. */
  readonly nowMs?: () => number;
}

const comma = 0x2c;
const quote = 0x22;
const closeBrace = 0x7d;

/** Room for the envelope around a row's values. */
const envelopeBytes = 2048;

/** The table of a logical message. */
const noTable = Buffer.from('"schema":"","table":""');

/** Writes envelopes, in the order of Debezium's fields. */
export class EnvelopeWriter {
  readonly #out: JsonWriter;
  readonly #options: EnvelopeOptions;
  readonly #source: SourceBlock;
  #parts: TransactionParts | null = null;
  /** The source block of the row that was read last. */
  #read: (ReadSource & { readonly table: Buffer; readonly bytes: Buffer }) | null = null;
  #nowMs = Number.NaN;
  #stamp: Buffer = Buffer.alloc(0);

  constructor(out: JsonWriter, options: EnvelopeOptions) {
    this.#out = out;
    this.#options = options;
    this.#source = new SourceBlock(options);
  }

  /** A change event. Throws Unrepresentable. */
  change(
    context: EventContext,
    { plan, event, place }: { plan: RelationPlan; event: ChangeEvent; place: ChangePlace },
  ): void {
    if (context.withoutValues) return;
    const { op, before, after, known } = event;
    const out = this.#out;
    out.expect(((after ?? before?.row)?.size ?? 0) + envelopeBytes);
    if (plan.valueHead) out.raw(plan.valueHead);
    out.ascii('{"before":');
    plan.writeBefore(out, before);
    out.ascii(',"after":');
    plan.writeAfter(out, after, known);
    out.byte(comma);
    this.#writeSource(context, { table: plan.source, place });
    out.ascii(',"op":"');
    out.ascii(op);
    out.byte(quote);
    out.raw(this.#stampNow());
    if (after !== null) plan.writeUnchanged(out, after, known);
    out.ascii(plan.valueHead ? '}}' : '}');
  }

  /** The event of a row that was read by a snapshot. Throws Unrepresentable. */
  read({ plan, row, source }: { plan: RelationPlan; row: Row; source: ReadSource }): void {
    const out = this.#out;
    out.expect(row.size + envelopeBytes);
    if (plan.valueHead) out.raw(plan.valueHead);
    out.ascii('{"before":null,"after":');
    plan.writeAfter(out, row, null);
    out.byte(comma);
    out.raw(this.#sourceOfRead(source, plan.source));
    out.ascii(',"transaction":null,"op":"r"');
    out.raw(this.#stampNow());
    out.ascii(plan.valueHead ? '}}' : '}');
  }

  /** What is left of an event that cannot be made: the rows' texts. */
  texts(plan: RelationPlan, { op, before, after }: ChangeEvent): void {
    const out = this.#out;
    out.ascii(`{"op":"${op}","before":`);
    plan.writeTexts(out, before?.row ?? null);
    out.ascii(',"after":');
    plan.writeTexts(out, after);
    out.ascii('}');
  }

  /** The event of a logical message inside a transaction. */
  message(message: LogicalMessage, context: EventContext): void {
    const place = context.counters.countChange(messageCollection);
    if (context.withoutValues) return;
    this.#beginMessage();
    this.#out.ascii(',');
    this.#writeSource(context, { table: noTable, place });
    this.#endMessage(message);
  }

  /** The event of a logical message outside every transaction. */
  looseMessage(message: LogicalMessage, source: LooseSource): void {
    this.#beginMessage();
    this.#out.ascii(`,${this.#source.ofLoose(source)},"transaction":null`);
    this.#endMessage(message);
  }

  #beginMessage(): void {
    const { messageHead } = this.#options;
    if (messageHead) this.#out.raw(messageHead);
    this.#out.ascii(`{"op":"m","ts_ms":${this.#now()}`);
  }

  #endMessage(message: LogicalMessage): void {
    writeMessage(this.#out, message, this.#options.binary);
    this.#out.ascii(this.#options.messageHead ? '}}' : '}');
  }

  /** `"source":{…},"transaction":{…}` */
  #writeSource(
    { change, counters }: EventContext,
    { table, place }: { table: Buffer; place: ChangePlace },
  ): void {
    const out = this.#out;
    const parts = this.#partsOf(change.transaction, counters);
    const lsn = Number(change.lsn);
    const isSafe = lsn <= Number.MAX_SAFE_INTEGER;
    out.raw(parts.bytes, 0, parts.headEnd);
    if (isSafe) out.digits(lsn);
    else out.ascii(String(change.lsn));
    out.raw(parts.bytes, parts.headEnd, parts.timesEnd);
    out.raw(table);
    out.raw(parts.bytes, parts.timesEnd, parts.xidEnd);
    if (isSafe) out.digits(lsn);
    else out.ascii(String(change.lsn));
    out.raw(parts.bytes, parts.xidEnd, parts.tailEnd);
    out.digits(place.totalOrder);
    out.ascii(',"data_collection_order":');
    out.digits(place.collectionOrder);
    out.byte(closeBrace);
  }

  /** The same for nearly all rows of a chunk. */
  #sourceOfRead(source: ReadSource, table: Buffer): Buffer {
    const { marker, timeUs, lsn } = source;
    const last = this.#read;
    const isAlike =
      last?.marker === marker && last.timeUs === timeUs && last.lsn === lsn && last.table === table;
    if (isAlike) return last.bytes;
    const bytes = Buffer.from(this.#source.ofRead(source, table));
    this.#read = { marker, timeUs, lsn, table, bytes };
    return bytes;
  }

  #partsOf(transaction: Transaction, { id }: TransactionCounters): TransactionParts {
    if (this.#parts?.transaction !== transaction) this.#parts = this.#source.of(transaction, id);
    return this.#parts;
  }

  #now(): number {
    return this.#options.nowMs?.() ?? Date.now();
  }

  #stampNow(): Buffer {
    const nowMs = this.#now();
    if (nowMs !== this.#nowMs) {
      this.#nowMs = nowMs;
      this.#stamp = Buffer.from(`,"ts_ms":${nowMs},"ts_us":${nowMs}000,"ts_ns":${nowMs}000000`);
    }
    return this.#stamp;
  }
}
