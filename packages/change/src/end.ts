import type { PanelRecord, WrittenRecord } from '@diptych/transaction/panel-record';
import type { Transaction, TransactionEnd } from '@diptych/transaction/transaction';
import { JsonWriter } from './json-writer.ts';
import { inSchema, type TableSchemas } from './record-schema.ts';
import type { Counted } from './tally.ts';
import type { TransactionCounters } from './transaction-counters.ts';
import { contextHeader } from './writer-context.ts';

export interface MarkerOptions {
  readonly counters: TransactionCounters;
  /** The transaction topic. */
  readonly topic: string;
  /** Of BEGIN and END; null: not sent. */
  readonly schemas?: TableSchemas | null;
}

/** Writes one marker after the other: by hand, since every transaction has one. */
const out = new JsonWriter({ bytes: 16 * 1024 });

/**
 * The END record of a transaction: what it consisted of, in both panels. A reader that has seen as much has all of it.
 * Its ordinal is the next after the last raw message.
 */
export function encodeEnd(
  { transaction }: TransactionEnd,
  { counters, topic, schemas = null }: MarkerOptions,
): PanelRecord {
  writeKey(counters);
  const key = inSchema(out.take(), schemas?.key ?? null);
  writeValue(transaction, counters);
  const value = inSchema(out.take(), schemas?.value ?? null);
  const { context } = counters;
  return { topic, key, value, headers: context === null ? [] : [[contextHeader, context]], part: 0 };
}

/** The same record where it was written; null when it has headers or schemas: that is for `encodeEnd`. */
export function writeEnd(
  { transaction }: TransactionEnd,
  { counters, topic, schemas = null }: MarkerOptions,
): WrittenRecord | null {
  if (schemas !== null || counters.context !== null) return null;
  writeKey(counters);
  const keyBytes = out.written;
  writeValue(transaction, counters);
  const { bytes, start } = out.peek();
  const written = {
    ...{ topic, bytes, start, keyEnd: start + keyBytes, end: start + out.written },
    isKeyed: true,
  };
  out.rewind();
  return written;
}

function writeKey({ id }: TransactionCounters): void {
  out.ascii('{"id":"');
  out.ascii(id);
  out.ascii('"}');
}

function writeValue({ commitTimeUs }: Transaction, counters: TransactionCounters): void {
  out.ascii('{"status":"END","id":"');
  out.ascii(counters.id);
  out.ascii('","ts_ms":');
  // Far from where a double would round.
  if (commitTimeUs >= 0n) out.digits(Math.floor(Number(commitTimeUs) / 1000));
  else out.ascii(String(commitTimeUs / 1000n));
  const names = counters.collections().length + counters.domain().length;
  if (names > namesMax) return writeCounts(counters);
  let counts = known.find((one) => one.isOf(counters));
  if (counts === undefined) {
    counts = new Counts(counters);
    known.unshift(counts);
    if (known.length > knownMax) known.pop();
  }
  out.raw(counts.bytes);
}

/** What END says behind its time: a few kinds of transactions are nearly all of them. */
class Counts {
  readonly bytes: Buffer;
  readonly #changes: number;
  readonly #domainEvents: number;
  readonly #parked: number;
  readonly #collections: readonly Counted[];
  readonly #domain: readonly Counted[];

  constructor(counters: TransactionCounters) {
    this.#changes = counters.changes;
    this.#domainEvents = counters.domainEvents;
    this.#parked = counters.parked;
    this.#collections = counters.collections().map((one) => ({ ...one }));
    this.#domain = counters.domain().map((one) => ({ ...one }));
    const before = out.written;
    writeCounts(counters);
    const { bytes, start } = out.peek();
    this.bytes = Buffer.from(bytes.subarray(start + before, start + out.written));
    out.rewind(before);
  }

  isOf(counters: TransactionCounters): boolean {
    return (
      counters.changes === this.#changes &&
      counters.domainEvents === this.#domainEvents &&
      counters.parked === this.#parked &&
      areAlike(counters.collections(), this.#collections) &&
      areAlike(counters.domain(), this.#domain)
    );
  }
}

/** The last kinds that were not known. */
const known: Counts[] = [];
const knownMax = 8;
/** A transaction of more tables, topics and types is seldom followed by its like. */
const namesMax = 8;

function areAlike(some: readonly Readonly<Counted>[], others: readonly Readonly<Counted>[]): boolean {
  if (some.length !== others.length) return false;
  for (let at = 0; at < some.length; at += 1) {
    const [one, other] = [some[at] as Counted, others[at] as Counted];
    if (one.count !== other.count || one.name !== other.name || one.topic !== other.topic) return false;
  }
  return true;
}

function writeCounts(counters: TransactionCounters): void {
  out.ascii(',"event_count":');
  out.digits(counters.changes);
  out.ascii(',"data_collections":[');
  let separator = '{"data_collection":';
  for (const { name, count } of counters.collections()) {
    out.ascii(separator);
    writeCount(name, count);
    separator = ',{"data_collection":';
  }
  out.ascii('],"domain_event_count":');
  out.digits(counters.domainEvents);
  out.ascii(',"domain_events":[');
  separator = '{"topic":"';
  for (const { topic, name, count } of counters.domain()) {
    out.ascii(separator);
    out.ascii(topic);
    out.ascii('","event_type":');
    writeCount(name, count);
    separator = ',{"topic":"';
  }
  out.ascii('],"parked_count":');
  out.digits(counters.parked);
  out.ascii('}');
}

/** What ends an object that counts under a name. */
function writeCount(name: string, count: number): void {
  out.text(quoted(name));
  out.ascii(',"event_count":');
  out.digits(count);
  out.ascii('}');
}

/** Names as JSON: a transaction of many tables has each of them in its END. */
const quotedNames = new Map<string, string>();
const quotedNamesMax = 4096;

function quoted(name: string): string {
  const known = quotedNames.get(name);
  if (known !== undefined) return known;
  // Of events the types too, of which there may be any number.
  if (quotedNames.size >= quotedNamesMax) quotedNames.clear();
  const made = JSON.stringify(name);
  quotedNames.set(name, made);
  return made;
}

/** The BEGIN record of a transaction: it comes before its first record, with ordinal 0. */
export function encodeBegin(
  { commitTimeUs }: Transaction,
  { counters, topic, schemas = null }: MarkerOptions,
): PanelRecord {
  const id = JSON.stringify(counters.id);
  const value = `{"status":"BEGIN","id":${id},"event_count":null,"data_collections":null,"ts_ms":${commitTimeUs / 1000n}}`;
  return {
    topic,
    key: inSchema(Buffer.from(`{"id":${id}}`), schemas?.key ?? null),
    value: inSchema(Buffer.from(value), schemas?.value ?? null),
    headers: [],
    part: 0,
  };
}
