/**
 * The body of a request, written into one piece. The client's Writer makes a buffer of each number and joins them at the end, which
 * for hundreds of partitions, several times for each batch, was a twentieth of what a relay took.
 * https://kafka.apache.org/43/design/protocol/#protocol_types
 */
import type * as Kafka from '@platformatic/kafka';
import { Writer } from './client-floors.ts';
import { putUnsignedVarint } from './record-fields.ts';

const firstBytes = 1024;
/** Of an UNSIGNED_VARINT. */
const varintBytesMax = 5;
/** It grows by so much, and not by as much again: a send of a little more than four megabytes would have eight. */
const stepBytes = 1024 * 1024;
/** What a rare long row took is given up. */
const keptBytesMax = 16 * 1024 * 1024;

export class RequestBody {
  #bytes = Buffer.allocUnsafe(firstBytes);
  #at = 0;

  /** So many bytes are written. */
  get length(): number {
    return this.#at;
  }

  /** What is written, as long as it is not begun anew. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  /** Another one in the same memory, which takes so many bytes. */
  begin(bytesMax = 0): void {
    const { length } = this.#bytes;
    const isTooMuch = length > keptBytesMax && bytesMax <= keptBytesMax;
    if (isTooMuch || length < bytesMax) {
      const bytes = Math.ceil(bytesMax / stepBytes) * stepBytes;
      this.#bytes = Buffer.allocUnsafeSlow(Math.max(firstBytes, bytes));
    }
    this.#at = 0;
  }

  /** Where it is written, with so many bytes free behind `at`. */
  room(at: number, bytes: number): Buffer {
    if (at + bytes > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(at + bytes, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    return this.#bytes;
  }

  /** All before `at` is written, by whoever asked for the room. */
  written(at: number): void {
    this.#at = at;
  }

  int16(value: number): void {
    this.#room(2);
    this.#at = this.#bytes.writeInt16BE(value, this.#at);
  }

  int32(value: number): void {
    this.#room(4);
    this.#at = this.#bytes.writeInt32BE(value, this.#at);
  }

  int64(value: bigint): void {
    this.#room(8);
    this.#at = this.#bytes.writeBigInt64BE(value, this.#at);
  }

  unsignedVarint(value: number): void {
    this.#room(varintBytesMax);
    this.#at = putUnsignedVarint(this.#bytes, this.#at, value);
  }

  /** COMPACT_STRING, or COMPACT_NULLABLE_STRING. */
  text(text: string | null): void {
    if (text === null) return this.unsignedVarint(0);
    const bytes = Buffer.byteLength(text);
    this.unsignedVarint(bytes + 1);
    this.#room(bytes);
    this.#at += this.#bytes.write(text, this.#at);
  }

  /** Of a COMPACT_ARRAY the length; its elements come behind it. */
  elements(count: number): void {
    this.unsignedVarint(count + 1);
  }

  /** No fields with tags: that is how each structure ends. */
  end(): void {
    this.unsignedVarint(0);
  }

  /** As the client is given it. It may be given it again. */
  toWriter(): Kafka.Writer {
    return Writer.create().append(this.bytes);
  }

  #room(bytes: number): void {
    this.room(this.#at, bytes);
  }
}
