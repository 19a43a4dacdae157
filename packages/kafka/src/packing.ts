/**
 * How many records go into one send. Neither client splits a batch over the topic's `max.message.bytes`: the broker
 * refuses it, and with it the whole Kafka transaction. Batches are uncompressed, so the size is known beforehand.
 * https://kafka.apache.org/43/implementation/message-format/
 */
import { PackedRecord } from './packed-record.ts';
import type { OutgoingRecord } from './record.ts';
import { fieldsBytesMax, varintBytes } from './record-fields.ts';

/** A record with the partition it goes to. */
export interface PlacedRecord {
  readonly record: OutgoingRecord;
  readonly partition: number;
}

export interface PackingLimits {
  /** The topic's `max.message.bytes`: the largest record batch that the broker takes. */
  readonly messageBytesMax: (topic: string) => number;
  /** All batches of one send together: bounds the request, which the broker holds in memory as a whole. */
  readonly sendBytesMax: number;
  readonly sendRecordsMax: number;
  /** All sends are seen together or not at all; if not, a record that vouches for those before it begins a send. */
  readonly isAtomic: boolean;
}

export type Packing =
  | { readonly ok: true; readonly sends: readonly (readonly PlacedRecord[])[] }
  | { readonly ok: false; readonly topic: string; readonly bytes: number; readonly bytesMax: number };

/** Header of a record batch, from `baseOffset` to `recordsCount`. */
export const batchOverheadBytes = 61;

/** Length, timestamp delta and offset delta are varints whose value is not known yet: their longest form, and attributes. */
const recordOverheadBytes = 5 + 1 + 10 + 5;

/** What the batch's head and a record's own take at most besides the record's body. */
export const recordOverheadBytesMax = batchOverheadBytes + recordOverheadBytes;

function sized(length: number): number {
  return varintBytes(length) + length;
}

/** An upper bound of what a record takes in a batch: at most 18 bytes more than the truth. */
export function recordBytes(record: OutgoingRecord): number {
  if (record instanceof PackedRecord) return recordOverheadBytes + record.end - record.start;
  let bytes = recordOverheadBytes + varintBytes(record.headers.length);
  bytes += record.key === null ? 1 : sized(record.key.length);
  bytes += record.value === null ? 1 : sized(record.value.length);
  for (const [name, value] of record.headers)
    bytes += sized(Buffer.byteLength(name)) + sized(Buffer.byteLength(value));
  return bytes;
}

/** The same with less work and less truth: three times what the texts of headers take. */
export function recordBytesMax(record: OutgoingRecord): number {
  return recordOverheadBytes + fieldsBytesMax(record);
}

/** Cuts records into sends, in their order, so that no partition's batch of a send passes its topic's limit. */
export function pack(records: readonly PlacedRecord[], limits: PackingLimits): Packing {
  const sends: PlacedRecord[][] = [];
  let send: PlacedRecord[] = [];
  let sendBytes = 0;
  let batches = new Map<string, number[]>();
  for (const placed of records) {
    const { topic } = placed.record;
    const bytes = recordBytes(placed.record);
    const bytesMax = limits.messageBytesMax(topic);
    if (batchOverheadBytes + bytes > bytesMax) {
      return { ok: false, topic, bytes: batchOverheadBytes + bytes, bytesMax };
    }
    let batch = (batches.get(topic)?.[placed.partition] ?? batchOverheadBytes) + bytes;
    const waits = !limits.isAtomic && placed.record.vouches === true;
    const full =
      waits ||
      batch > bytesMax ||
      sendBytes + bytes > limits.sendBytesMax ||
      send.length >= limits.sendRecordsMax;
    if (full && send.length > 0) {
      sends.push(send);
      send = [];
      sendBytes = 0;
      batches = new Map();
      batch = batchOverheadBytes + bytes;
    }
    send.push(placed);
    sendBytes += bytes;
    const ofTopic = batches.get(topic) ?? [];
    ofTopic[placed.partition] = batch;
    batches.set(topic, ofTopic);
  }
  if (send.length > 0) sends.push(send);
  return { ok: true, sends };
}
