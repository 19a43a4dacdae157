/**
 * Record batches as Kafka stores them (magic 2), uncompressed, written straight into one buffer that is used again for
 * the next ones: the client's own encoder makes a writer and several buffers for each record.
 * https://kafka.apache.org/43/implementation/message-format/
 */
import { crc32c, Writer } from './client-floors.ts';
import { PackedRecord } from './packed-record.ts';
import { batchOverheadBytes, type Run, recordOverheadBytes } from './packing.ts';
import type { OutgoingRecord } from './record.ts';
import { FieldsWriter, fieldsBytesMax, putVarint, putVarlong, varintBytes } from './record-fields.ts';

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

/** At rest it stays small; a drain has it as large as one send, a rare long row beyond that. */
const firstBytes = 64 * 1024;
/** By so much, and not by as much again: a send of a little more than four megabytes would have eight. */
const stepBytes = 1024 * 1024;
const keptBytesMax = 16 * 1024 * 1024;

/** Java's DefaultRecordBatch.incrementSequence: after 2^31 - 1 comes 0. */
export function nextSequence(sequence: number, records: number): number {
  return (sequence + records) % 0x8000_0000;
}

/** Writes batches one after another. Its bytes are good until `begin`. */
export class RecordBatchEncoder {
  #bytes = Buffer.allocUnsafeSlow(firstBytes);
  #end = 0;
  #batches: Buffer[] = [];
  readonly #checksum = new Checksum();
  readonly #fields = new FieldsWriter();

  /** Gives up the batches that were written before, and makes room for such as take so many bytes. */
  begin(bytesMax = 0): void {
    const { length } = this.#bytes;
    const isTooMuch = length > keptBytesMax && bytesMax <= keptBytesMax;
    if (isTooMuch || length < bytesMax) {
      const bytes = Math.ceil(bytesMax / stepBytes) * stepBytes;
      this.#bytes = Buffer.allocUnsafeSlow(Math.max(firstBytes, bytes));
    }
    this.#end = 0;
    this.#batches = [];
  }

  /** Leaves the batches that were written before as they are, for whoever still has them, and begins elsewhere. */
  abandon(): void {
    this.#bytes = Buffer.allocUnsafeSlow(firstBytes);
    this.begin();
  }

  /** The batches since `begin`, in their order: those that were written before there was more room stay where they were. */
  get batches(): readonly Buffer[] {
    return this.#batches;
  }

  /** Writes the records, which are one or more, as one batch. */
  write({ list, from, to }: Run, head: BatchHead): void {
    const start = this.#end;
    const count = to - from;
    const baseTimestampMs = list[from]?.timestampMs ?? 0;
    let maxTimestampMs = baseTimestampMs;
    let at = start + batchOverheadBytes;
    for (let offsetDelta = 0; offsetDelta < count; offsetDelta += 1) {
      const record = list[from + offsetDelta] as OutgoingRecord;
      if (record.timestampMs > maxTimestampMs) maxTimestampMs = record.timestampMs;
      at = this.#record(at, record, { offsetDelta, timestampDelta: record.timestampMs - baseTimestampMs });
    }
    this.#end = at;
    const batch = this.#bytes.subarray(start, at);
    putInt64(batch, 0, 0); // the offset is the broker's to give
    batch.writeInt32BE(batch.length - 12, 8);
    batch.writeInt32BE(-1, 12); // so is the leader's epoch
    batch.writeInt8(magic, 16);
    batch.writeInt16BE(head.isTransactional ? transactional : 0, attributesAt);
    batch.writeInt32BE(count - 1, 23);
    putInt64(batch, 27, baseTimestampMs);
    putInt64(batch, 35, maxTimestampMs);
    batch.writeBigInt64BE(head.producerId, 43);
    batch.writeInt16BE(head.producerEpoch, 51);
    batch.writeInt32BE(head.baseSequence, 53);
    batch.writeInt32BE(count, 57);
    batch.writeUInt32BE(this.#checksum.of(batch.subarray(attributesAt)), 17);
    this.#batches.push(batch);
  }

  #record(
    start: number,
    record: OutgoingRecord,
    { offsetDelta, timestampDelta }: { offsetDelta: number; timestampDelta: number },
  ): number {
    const packed = record instanceof PackedRecord ? record : null;
    const fieldsBytes = packed ? packed.end - packed.start : fieldsBytesMax(record);
    const bytes = this.#room(start, recordOverheadBytes + fieldsBytes);
    // How long the length is, is known when the record is written: guessed, and seldom wrong.
    const guess = varintBytes(recordOverheadBytes + fieldsBytes);
    const body = start + guess;
    bytes[body] = 0;
    let at = putVarlong(bytes, body + 1, timestampDelta);
    at = putVarint(bytes, at, offsetDelta);
    if (packed) at += packed.slab.copy(bytes, at, packed.start, packed.end);
    else at = this.#fields.write(bytes, at, record);
    const length = at - body;
    const needed = varintBytes(length);
    if (needed !== guess) bytes.copyWithin(start + needed, body, at);
    putVarint(bytes, start, length);
    return start + needed + length;
  }

  /** The buffer, with so many bytes free behind `at`. */
  #room(at: number, bytes: number): Buffer {
    if (at + bytes > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(at + bytes, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    return this.#bytes;
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
