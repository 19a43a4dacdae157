/** Records of both panels, read: bytes to what they say. */
import { type Identity, identityHeader, parseIdentity } from '@diptych/kafka/identity';
import type { IncomingRecord } from '@diptych/kafka/record';
import { OperatingError } from '@diptych/runtime/failure';
import { parseLossless, parseLosslessMembers } from '@diptych/runtime/json';
import type { BaselineRow, Change, DomainEvent, Operation } from './joined-transaction.ts';
import { isJsonObject, type JsonObject } from './json-object.ts';
import type { Writer } from './leak-report.ts';
import type { PanelTopic } from './panel-topic.ts';

/** Headers of the wire besides the identity (docs/wire.md, "Identity" and "Records"). */
const snapshotHeader = 'diptych-snapshot';
const releasedHeader = 'diptych-released';
const contextHeader = 'diptych-context';

/** What END says about its transaction. */
export interface End {
  readonly events: number;
  readonly changes: number;
  readonly parked: number;
  readonly writer: Writer | null;
}

export type PanelRecord =
  | { readonly tag: 'event'; readonly event: DomainEvent }
  | { readonly tag: 'change'; readonly change: Change }
  /** Follows a delete for the sake of compaction; says nothing new and is not counted. */
  | { readonly tag: 'tombstone' }
  | { readonly tag: 'end'; readonly end: End }
  /** BEGIN, written only by configuration. */
  | { readonly tag: 'begin' };

/** Whether the record is of a snapshot: a baseline, no part of any transaction. */
export function isSnapshotRecord(record: IncomingRecord): boolean {
  return record.headers.has(snapshotHeader);
}

/** Whether the record was parked and released later: it has its transaction's identity, and stands behind later ones. */
export function isReleasedRecord(record: IncomingRecord): boolean {
  return record.headers.get(releasedHeader) === 'true';
}

/** Reads a row that a snapshot read. Throws OperatingError `record-unreadable` for what the relay does not write. */
export function readBaselineRow(record: IncomingRecord): BaselineRow {
  const { source, after } = readObject(record);
  const { schema, table } = tableOf(record, source);
  if (!isJsonObject(after)) throw unreadable(record, 'it is of a snapshot, and has no row');
  const key = record.key === null ? null : rowOf(parsed(record, record.key));
  return {
    topic: record.topic,
    schema,
    table,
    key,
    row: after,
    snapshot: record.headers.get(snapshotHeader) ?? '',
  };
}

/** The record's identity. Throws OperatingError `record-unreadable` when it has none. */
export function identityOf(record: IncomingRecord): Identity {
  const header = record.headers.get(identityHeader);
  if (header === undefined) throw unreadable(record, `it has no header ${identityHeader}`);
  return parseIdentity(header);
}

/** Reads a record of a panel. Throws OperatingError `record-unreadable` for what the relay does not write. */
export function readPanelRecord(
  record: IncomingRecord,
  { topic, identity }: { topic: Exclude<PanelTopic, { tag: 'other' }>; identity: Identity },
): PanelRecord {
  switch (topic.tag) {
    case 'domain':
      return { tag: 'event', event: readEvent(record, { aggregateType: topic.aggregateType, identity }) };
    case 'change':
      if (record.value === null) return { tag: 'tombstone' };
      return { tag: 'change', change: readChange(record, identity) };
    case 'transaction':
      return readMarker(record);
  }
}

function readEvent(
  { topic, key, value, headers }: IncomingRecord,
  { aggregateType, identity: { ordinal, part } }: { aggregateType: string; identity: Identity },
): DomainEvent {
  const version = integerOf(headers.get('eventVersion'));
  return {
    topic,
    aggregateType,
    key: key?.toString() ?? null,
    id: headers.get('id') ?? null,
    type: headers.get('eventType') ?? '(no type)',
    version: version === null ? null : Number(version),
    aggregateVersion: integerOf(headers.get('aggregateVersion')),
    payload: value === null ? null : jsonOrText(value.toString()),
    headers,
    ordinal,
    part,
  };
}

function integerOf(header: string | undefined): bigint | null {
  return header !== undefined && /^\d{1,19}$/.test(header) ? BigInt(header) : null;
}

/** The payload column may be of type text and hold anything. */
function jsonOrText(text: string): unknown {
  try {
    return parseLossless(text);
  } catch {
    return text;
  }
}

function readChange(record: IncomingRecord, { ordinal, part }: Identity): Change {
  const envelope = readObject(record);
  const { source, op, unchanged } = envelope;
  const { schema, table } = tableOf(record, source);
  if (!isOperation(op)) throw unreadable(record, 'its envelope has no operation that is known');
  return {
    topic: record.topic,
    schema,
    table,
    op,
    key: record.key === null ? null : rowOf(parsed(record, record.key)),
    before: rowOf(envelope.before),
    after: rowOf(envelope.after),
    unchanged: Array.isArray(unchanged) ? unchanged.map(String) : [],
    ordinal,
    part,
  };
}

function tableOf(record: IncomingRecord, source: unknown): Pick<Change, 'schema' | 'table'> {
  if (!isJsonObject(source) || typeof source.schema !== 'string' || typeof source.table !== 'string') {
    throw unreadable(record, 'its envelope names no table');
  }
  return { schema: source.schema, table: source.table };
}

const isOperation = (op: unknown): op is Operation => op === 'c' || op === 'u' || op === 'd' || op === 't';

const rowOf = (value: unknown): JsonObject | null => (isJsonObject(value) ? value : null);

function readMarker(record: IncomingRecord): PanelRecord {
  const marker = readObject(record);
  if (marker.status === 'BEGIN') return { tag: 'begin' };
  const { event_count: changes, domain_event_count: events, parked_count: parked } = marker;
  if (marker.status !== 'END' || typeof changes !== 'number' || typeof events !== 'number') {
    throw unreadable(record, 'it is neither BEGIN nor END with counts');
  }
  const counted = { events, changes: changes - messagesOf(marker.data_collections) };
  const writer = writerOf(record.headers.get(contextHeader));
  return { tag: 'end', end: { ...counted, parked: typeof parked === 'number' ? parked : 0, writer } };
}

/** What cannot be read tells nothing. */
function writerOf(header: string | undefined): Writer | null {
  const said = header === undefined ? null : jsonOrText(header);
  if (!isJsonObject(said)) return null;
  const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  return { application: textOf(said.application), user: textOf(said.user), client: textOf(said.client) };
}

/** Logical messages are counted with the changes, as Debezium does, and stand in a topic that is of neither panel. */
function messagesOf(collections: unknown): number {
  const all: readonly unknown[] = Array.isArray(collections) ? collections : [];
  const messages = all.find((one) => isJsonObject(one) && one.data_collection === 'LOGICAL_DECODING_MESSAGE');
  return isJsonObject(messages) && typeof messages.event_count === 'number' ? messages.event_count : 0;
}

/** What is read of an envelope and of END. */
const members = ['before', 'after'];

function readObject(record: IncomingRecord): JsonObject {
  const read = (text: string) => parseLosslessMembers(text, members);
  const value = record.value === null ? null : parsed(record, record.value, read);
  if (!isJsonObject(value)) throw unreadable(record, 'it is no JSON object');
  return value;
}

function parsed(record: IncomingRecord, bytes: Buffer, read = parseLossless): unknown {
  try {
    return read(bytes.toString());
  } catch (cause) {
    throw unreadable(record, 'it is not JSON', cause);
  }
}

function unreadable(
  { topic, partition, offset }: IncomingRecord,
  why: string,
  cause?: unknown,
): OperatingError {
  return new OperatingError(
    'record-unreadable',
    `the record at ${topic}, partition ${partition}, offset ${offset} is not the relay's: ${why}`,
    {
      remedy: 'Let nobody else write to the topics of the panels; give a second relay another prefix.',
      cause,
    },
  );
}
