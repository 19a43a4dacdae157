/** What a side has published, as it is compared: by topic without its prefix, without what must differ. */
import { FetchClient } from '@diptych/kafka/fetch-client';
import { identityHeader, parseIdentity } from '@diptych/kafka/identity';
import { type OffsetsByTopic, readToEnd } from '@diptych/kafka/partition-reader';
import type { IncomingRecord } from '@diptych/kafka/record';
import { parseLossless, stringifyLossless } from '@diptych/runtime/json';

export interface Observed {
  /** `s1.a`, `transaction`, `outbox.event.User`. */
  readonly topic: string;
  readonly key: unknown;
  /** The envelope; null is a tombstone. */
  readonly value: unknown;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Of key and value, where records carry them (`schemas: inline`), without the side's prefix in their names. */
  readonly schemas?: { readonly key: unknown; readonly value: unknown };
  /** Compared with nothing but what a case expects. */
  readonly place?: Place;
  /** Why it was set aside: it is none of its topic then. */
  readonly parked?: string;
  /** Set aside with the delete before it. */
  readonly isParkedTombstone?: boolean;
}

interface Place {
  readonly partition: number;
  readonly timestamp: number;
  /** Of ours: the transaction, and the place of the change in it. */
  readonly xid?: string;
  readonly ordinal?: number;
}

/** Whether the value is the envelope of a change, a row that was read, or a message. */
export const hasSource = (value: unknown): boolean => isObject(value) && isObject(value.source);

/** What a side published since the last look, and why it ended, if it did. */
export interface Published {
  readonly records: readonly Observed[];
  /** What ours set aside. */
  readonly parked: readonly Observed[];
  readonly failure: string | undefined;
}

/** What a snapshot read. */
export const isReadRow = ({ value }: Pick<Observed, 'value'>): boolean => isObject(value) && value.op === 'r';

export const isParked = ({ parked }: Pick<Observed, 'parked'>): boolean => parked !== undefined;

const requestTimeoutMs = 10_000;

/** Reads on from where it was in all topics of a prefix; topics may come into being at any time. */
export class TopicsReader {
  readonly #brokers: readonly string[];
  readonly #prefix: string;
  readonly #offsets = new Map<string, bigint[]>();

  constructor({ brokers, prefix }: { brokers: readonly string[]; prefix: string }) {
    this.#brokers = brokers;
    this.#prefix = prefix;
  }

  /** All committed records since the last call, topic by topic, each in its order. */
  async read(): Promise<IncomingRecord[]> {
    const topics = await this.#topics();
    const names = [...topics.keys()].filter((name) => this.#isOurs(name)).sort();
    if (names.length === 0) return [];
    const from: OffsetsByTopic = this.#offsets;
    const records: IncomingRecord[] = [];
    for await (const record of readToEnd({ brokers: this.#brokers, topics: names, from })) {
      records.push(record);
      const offsets = this.#offsets.get(record.topic) ?? [];
      offsets[record.partition] = record.offset + 1n;
      this.#offsets.set(record.topic, offsets);
    }
    return records;
  }

  async #topics(): Promise<ReadonlyMap<string, unknown>> {
    const client = new FetchClient({ brokers: this.#brokers, requestTimeoutMs });
    try {
      return await client.topics('all');
    } finally {
      await client.close();
    }
  }

  #isOurs(name: string): boolean {
    if (!name.startsWith(`${this.#prefix}.`)) return false;
    // What a side says of itself, and of its snapshots.
    return !/^(checkpoint\.|(snapshot|notification)$)/.test(name.slice(this.#prefix.length + 1));
  }
}

/** The record as it is compared. */
export function observe(record: IncomingRecord, prefix: string): Observed {
  const topic = record.topic.slice(prefix.length + 1);
  if (topic === 'parked') return observeParked(record, prefix);
  const parse = topic.startsWith('outbox.event.') ? String : parseJson;
  const key = unwrap(record.key === null ? null : parse(String(record.key)), prefix);
  const value = unwrap(record.value === null ? null : parse(String(record.value)), prefix);
  const isInline = key.schema !== undefined || value.schema !== undefined;
  const observed = {
    topic,
    place: placeOf(record),
    ...(isInline && { schemas: { key: key.schema ?? null, value: value.schema ?? null } }),
    key: key.payload,
    value: value.payload,
    headers: Object.fromEntries(
      [...record.headers]
        .filter(([name]) => !name.startsWith('diptych-') && !name.startsWith('__debezium.context.'))
        .map(([name, text]) => [name, unwrap(parse(text), prefix).payload]),
    ),
  };
  return topic === 'transaction' ? withoutTransactionIds(observed) : withoutTimes(observed);
}

function placeOf({ partition, timestampMs: timestamp, headers }: IncomingRecord): Place {
  const identity = headers.get(identityHeader);
  if (identity === undefined) return { partition, timestamp };
  const { xid, ordinal } = parseIdentity(identity);
  return { partition, timestamp, xid: String(xid), ordinal };
}

/** docs/parking.md, "The topic". */
function observeParked(record: IncomingRecord, prefix: string): Observed {
  const body = parseJson(String(record.value));
  const { topic, reason, sha256 } = isObject(body) ? body : {};
  return {
    topic: String(topic).slice(prefix.length + 1),
    key: record.key === null ? null : parseJson(String(record.key)),
    value: null,
    headers: {},
    place: placeOf(record),
    parked: String(reason),
    isParkedTombstone: sha256 === null,
  };
}

/** What Connect's JsonConverter writes with `schemas.enable`, apart. */
function unwrap(value: unknown, prefix: string): { schema: unknown; payload: unknown } {
  if (!isObject(value) || Object.keys(value).sort().join() !== 'payload,schema') {
    return { schema: undefined, payload: value };
  }
  const schema = parseJson(stringifyLossless(value.schema).replaceAll(`${prefix}.`, ''));
  return { schema: byName(schema), payload: value.payload };
}

/** A schema with its fields by their names, in their order; the order of what is said of one means nothing. */
function byName(schema: unknown): unknown {
  if (!isObject(schema)) return schema;
  const { fields, ...rest } = schema;
  const named = Array.isArray(fields)
    ? {
        fields: Object.fromEntries(
          fields.map((one) => [isObject(one) ? String(one.field) : '', byName(one)]),
        ),
      }
    : {};
  const said = Object.entries(rest).map(([name, part]) => [name, byName(part)] as const);
  return { ...Object.fromEntries(said.sort(([a], [b]) => (a < b ? -1 : 1))), ...named };
}

function parseJson(text: string): unknown {
  try {
    return parseLossless(text);
  } catch {
    return text;
  }
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Without versions, names, times of processing and `transaction.id`. */
function withoutTimes(record: Observed): Observed {
  if (!isObject(record.value)) return record;
  const { ts_ms: _ms, ts_us: _us, ts_ns: _ns, ...value } = record.value;
  if (isObject(value.source)) {
    const { version: _version, name: _name, ...source } = value.source;
    value.source = source;
  }
  if (isObject(value.transaction)) {
    const { id: _id, ...transaction } = value.transaction;
    value.transaction = transaction;
  }
  return { ...record, value };
}

/**
 * Of the id the xid alone: Debezium's LSN in it differs between BEGIN and END. The collections are a set: Debezium gives
 * them in the order of a hash table.
 */
function withoutTransactionIds(record: Observed): Observed {
  const xidOnly = (part: unknown): unknown =>
    isObject(part) && typeof part.id === 'string' ? { ...part, id: part.id.split(':')[0] } : part;
  const value = xidOnly(record.value);
  if (isObject(value) && Array.isArray(value.data_collections)) {
    // Each message's own, by the address of a Java object: they go where ours, of all messages, is.
    const nameOf = (one: unknown): string =>
      isObject(one)
        ? String(one.data_collection).replace(/^.*LogicalDecodingMessageId@.*$/, 'LOGICAL_DECODING_MESSAGE')
        : '';
    const names = value.data_collections.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    value.data_collections = names;
  }
  return { ...record, key: xidOnly(record.key), value };
}
