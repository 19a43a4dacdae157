/**
 * The body of a request, written into one piece. The client's Writer makes a buffer of each number and joins them at the end, which
 * for hundreds of partitions, several times for each batch, was a twentieth of what a relay took.
 * https://kafka.apache.org/43/design/protocol/#protocol_types
 */
import type * as Kafka from '@platformatic/kafka';
import { Writer } from './client-floors.ts';

const firstBytes = 1024;
/** Of an UNSIGNED_VARINT. */
const varintBytesMax = 5;

export class RequestBody {
  #bytes = Buffer.allocUnsafe(firstBytes);
  #at = 0;

  /** So many bytes are written. */
  get length(): number {
    return this.#at;
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
    let left = value;
    for (; left > 0x7f; left >>>= 7) this.#at = this.#bytes.writeUInt8((left & 0x7f) | 0x80, this.#at);
    this.#at = this.#bytes.writeUInt8(left, this.#at);
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
    return Writer.create().append(this.#bytes.subarray(0, this.#at));
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#at + bytes, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}
