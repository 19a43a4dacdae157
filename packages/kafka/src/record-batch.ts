/**
 * Record batches as Kafka stores them (magic 2), uncompressed, written straight into one buffer that is used again for
 * the next ones: the client's own encoder makes a writer and several buffers for each record.
 * https://kafka.apache.org/43/implementation/message-format/
 */
import { crc32c, Writer } from '@platformatic/kafka';
import { batchOverheadBytes, varintBytes } from './packing.ts';
import type { OutgoingRecord } from './record.ts';

/** What a batch says of its producer. */
export interface BatchHead {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** Sequence number of the first record. */
  readonly baseSequence: number;
  readonly isTransactional: boolean;
}

/** Where the bytes of a batch stand. */
interface Span {
  readonly start: number;
  readonly end: number;
}

const magic = 2;
const transactional = 0x10;
/** The checksum covers all from the attributes on. */
const attributesAt = 21;

/** At rest it stays small; a drain has it grow to what one send takes, a rare long row beyond that. */
const firstBytes = 64 * 1024;
const keptBytesMax = 16 * 1024 * 1024;

/** Length, attributes, timestamp delta, offset delta, length of key, length of value, number of headers: their longest. */
const recordOverheadBytes = 5 + 1 + 10 + 5 + 5 + 5 + 5;
/** Names of headers are few, and the same in all records. */
const namesMax = 1000;

/** Java's DefaultRecordBatch.incrementSequence: after 2^31 - 1 comes 0. */
export function nextSequence(sequence: number, records: number): number {
  return (sequence + records) % 0x8000_0000;
}

/** Writes batches one after another. Its bytes are good until `begin`. */
export class RecordBatchEncoder {
  #bytes = Buffer.allocUnsafeSlow(firstBytes);
  #end = 0;
  #spans: Span[] = [];
  readonly #names = new Map<string, Buffer>();

  /** Gives up the batches that were written before. */
  begin(): void {
    if (this.#bytes.length > keptBytesMax) this.#bytes = Buffer.allocUnsafeSlow(firstBytes);
    this.#end = 0;
    this.#spans = [];
  }

  /** The batches since `begin`, in their order. */
  get batches(): readonly Buffer[] {
    return this.#spans.map(({ start, end }) => this.#bytes.subarray(start, end));
  }

  /** Writes the records, which are one or more, as one batch. */
  write(records: readonly OutgoingRecord[], head: BatchHead): void {
    const start = this.#end;
    const baseTimestampMs = records[0]?.timestampMs ?? 0;
    let maxTimestampMs = baseTimestampMs;
    let at = start + batchOverheadBytes;
    for (const [offsetDelta, record] of records.entries()) {
      if (record.timestampMs > maxTimestampMs) maxTimestampMs = record.timestampMs;
      at = this.#record(at, record, { offsetDelta, timestampDelta: record.timestampMs - baseTimestampMs });
    }
    this.#end = at;
    const batch = this.#bytes.subarray(start, at);
    batch.writeBigInt64BE(0n, 0); // the offset is the broker's to give
    batch.writeInt32BE(batch.length - 12, 8);
    batch.writeInt32BE(-1, 12); // so is the leader's epoch
    batch.writeInt8(magic, 16);
    batch.writeInt16BE(head.isTransactional ? transactional : 0, attributesAt);
    batch.writeInt32BE(records.length - 1, 23);
    batch.writeBigInt64BE(BigInt(baseTimestampMs), 27);
    batch.writeBigInt64BE(BigInt(maxTimestampMs), 35);
    batch.writeBigInt64BE(head.producerId, 43);
    batch.writeInt16BE(head.producerEpoch, 51);
    batch.writeInt32BE(head.baseSequence, 53);
    batch.writeInt32BE(records.length, 57);
    batch.writeUInt32BE(checksum(batch.subarray(attributesAt)), 17);
    this.#spans.push({ start, end: at });
  }

  #record(
    start: number,
    { key, value, headers }: OutgoingRecord,
    { offsetDelta, timestampDelta }: { offsetDelta: number; timestampDelta: number },
  ): number {
    let bytesMax = recordOverheadBytes + (key?.length ?? 0) + (value?.length ?? 0);
    for (const [name, text] of headers) bytesMax += 10 + 3 * (name.length + text.length);
    const bytes = this.#room(start, bytesMax);
    // How long the length is, is known when the record is written: guessed, and seldom wrong.
    const guess = varintBytes(bytesMax);
    const body = start + guess;
    bytes[body] = 0;
    let at = putVarlong(bytes, body + 1, timestampDelta);
    at = putVarint(bytes, at, offsetDelta);
    at = putBytes(bytes, at, key);
    at = putBytes(bytes, at, value);
    at = putVarint(bytes, at, headers.length);
    for (const [name, text] of headers) {
      const encoded = this.#name(name);
      bytes.set(encoded, at);
      at = putText(bytes, at + encoded.length, text);
    }
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

  /** A header's name with its length. */
  #name(name: string): Buffer {
    const known = this.#names.get(name);
    if (known) return known;
    const room = Buffer.alloc(5 + 3 * name.length);
    const encoded = room.subarray(0, putText(room, 0, name));
    if (this.#names.size < namesMax) this.#names.set(name, encoded);
    return encoded;
  }
}

/** Zigzag, seven bits a byte, the lowest first; of a 32-bit integer. Answers where it ends, as all that follow. */
function putVarint(bytes: Buffer, at: number, value: number): number {
  let end = at;
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  while (rest > 0x7f) {
    bytes[end] = (rest & 0x7f) | 0x80;
    end += 1;
    rest >>>= 7;
  }
  bytes[end] = rest;
  return end + 1;
}

/** The same of a 64-bit integer. */
function putVarlong(bytes: Buffer, at: number, value: number): number {
  if (value === (value | 0)) return putVarint(bytes, at, value);
  const wide = BigInt(value);
  let end = at;
  let rest = BigInt.asUintN(64, (wide << 1n) ^ (wide >> 63n));
  while (rest > 0x7fn) {
    bytes[end] = Number(rest & 0x7fn) | 0x80;
    end += 1;
    rest >>= 7n;
  }
  bytes[end] = Number(rest);
  return end + 1;
}

function putBytes(bytes: Buffer, at: number, value: Buffer | null): number {
  if (value === null) return putVarint(bytes, at, -1);
  const body = putVarint(bytes, at, value.length);
  bytes.set(value, body);
  return body + value.length;
}

function putText(bytes: Buffer, at: number, text: string): number {
  const guess = varintBytes(text.length);
  const length = bytes.write(text, at + guess);
  const needed = varintBytes(length);
  if (needed !== guess) bytes.copyWithin(at + needed, at + guess, at + guess + length);
  putVarint(bytes, at, length);
  return at + needed + length;
}

/** Given a plain buffer, the native function is handed a copy of it (2.12.1, dist/protocol/crc32c.js). */
const checksum = (bytes: Buffer): number => crc32c(Writer.create().append(bytes).dynamicBuffer);
