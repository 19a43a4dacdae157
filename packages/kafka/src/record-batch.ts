/**
 * Record batches as Kafka stores them (magic 2), uncompressed, written straight into the request that they go with: the client's
 * own encoder makes a writer and several buffers for each record.
 * https://kafka.apache.org/43/implementation/message-format/
 */
import { crc32c, Writer } from './client-floors.ts';
import { PackedRecord } from './packed-record.ts';
import { batchOverheadBytes, type Run, recordOverheadBytes } from './packing.ts';
import type { OutgoingRecord } from './record.ts';
import { FieldsWriter, fieldsBytesMax, putVarint, putVarlong, varintBytes } from './record-fields.ts';
import type { RequestBody } from './request-body.ts';

/** What a batch says of its producer. */
export interface BatchHead {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** Sequence number of the first record. */
  readonly baseSequence: number;
  readonly isTransactional: boolean;
}

const magic = 2;
const transactional = 0x10;
const nothing = Buffer.alloc(1);
/** The checksum covers all from the attributes on. */
const attributesAt = 21;

/** Java's DefaultRecordBatch.incrementSequence: after 2^31 - 1 comes 0. */
export function nextSequence(sequence: number, records: number): number {
  return (sequence + records) % 0x8000_0000;
}

/** All that the head of a batch says, and where the batch is. */
interface WholeHead {
  readonly head: BatchHead;
  readonly start: number;
  readonly end: number;
  readonly count: number;
  readonly baseTimestampMs: number;
  readonly maxTimestampMs: number;
}

/** Where a record goes, and what it says of itself in its batch. */
interface PlacedRecord {
  readonly at: number;
  readonly record: OutgoingRecord;
  readonly offsetDelta: number;
  readonly timestampDelta: number;
}

/** Writes batches into requests. */
export class RecordBatchWriter {
  readonly #checksum = new Checksum();
  readonly #fields = new FieldsWriter();

  /** Writes the records, which are one or more, as one batch behind what the request has. */
  write(body: RequestBody, { list, from, to }: Run, head: BatchHead): void {
    const start = body.length;
    const count = to - from;
    const baseTimestampMs = list[from]?.timestampMs ?? 0;
    let maxTimestampMs = baseTimestampMs;
    body.room(start, batchOverheadBytes);
    let at = start + batchOverheadBytes;
    for (let offsetDelta = 0; offsetDelta < count; offsetDelta += 1) {
      const record = list[from + offsetDelta] as OutgoingRecord;
      if (record.timestampMs > maxTimestampMs) maxTimestampMs = record.timestampMs;
      at = this.#record(body, {
        at,
        record,
        offsetDelta,
        timestampDelta: record.timestampMs - baseTimestampMs,
      });
    }
    body.written(at);
    this.#head(body.room(at, 0), { head, start, end: at, count, baseTimestampMs, maxTimestampMs });
  }

  #head(bytes: Buffer, { head, start, end, count, baseTimestampMs, maxTimestampMs }: WholeHead): void {
    putInt64(bytes, start, 0); // the offset is the broker's to give
    bytes.writeInt32BE(end - start - 12, start + 8);
    bytes.writeInt32BE(-1, start + 12); // so is the leader's epoch
    bytes.writeInt8(magic, start + 16);
    bytes.writeInt16BE(head.isTransactional ? transactional : 0, start + attributesAt);
    bytes.writeInt32BE(count - 1, start + 23);
    putInt64(bytes, start + 27, baseTimestampMs);
    putInt64(bytes, start + 35, maxTimestampMs);
    bytes.writeBigInt64BE(head.producerId, start + 43);
    bytes.writeInt16BE(head.producerEpoch, start + 51);
    bytes.writeInt32BE(head.baseSequence, start + 53);
    bytes.writeInt32BE(count, start + 57);
    bytes.writeUInt32BE(this.#checksum.of(bytes.subarray(start + attributesAt, end)), start + 17);
  }

  #record(body: RequestBody, { at: start, record, offsetDelta, timestampDelta }: PlacedRecord): number {
    const packed = record instanceof PackedRecord ? record : null;
    const fieldsBytes = packed ? packed.end - packed.start : fieldsBytesMax(record);
    const bytes = body.room(start, recordOverheadBytes + fieldsBytes);
    // How long the length is, is known when the record is written: guessed, and seldom wrong.
    const guess = varintBytes(recordOverheadBytes + fieldsBytes);
    const from = start + guess;
    bytes[from] = 0; // attributes
    let at = putVarlong(bytes, from + 1, timestampDelta);
    at = putVarint(bytes, at, offsetDelta);
    if (packed) at += packed.slab.copy(bytes, at, packed.start, packed.end);
    else at = this.#fields.write(bytes, at, record);
    const length = at - from;
    const needed = varintBytes(length);
    if (needed !== guess) bytes.copyWithin(start + needed, from, at);
    putVarint(bytes, start, length);
    return start + needed + length;
  }
}

/** A whole number of 64 bits, which is safe: as a bigint it would be several objects. */
function putInt64(bytes: Buffer, at: number, value: number): void {
  bytes.writeInt32BE(Math.floor(value / 2 ** 32), at);
  bytes.writeUInt32BE(value >>> 0, at + 4);
}

/** Given a plain buffer, the native function is handed a copy of it (2.12.1, dist/protocol/crc32c.js): it is given a list of one. */
class Checksum {
  readonly #list = Writer.create().append(nothing).dynamicBuffer;

  of(bytes: Buffer): number {
    this.#list.buffers[0] = bytes;
    this.#list.length = bytes.length;
    const checksum = crc32c(this.#list);
    // What it is of may be large, and is not kept for it.
    this.#list.buffers[0] = nothing;
    return checksum;
  }
}
