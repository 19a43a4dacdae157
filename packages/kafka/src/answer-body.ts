/**
 * The body of an answer, read where it stands. The client's Reader makes a list of each number whose length is not fixed, and an object
 * of each element of an array: of hundreds of partitions, several times for each batch, that was garbage and time.
 * https://kafka.apache.org/43/design/protocol/#protocol_types
 */
import type * as Kafka from '@platformatic/kafka';

/** Every method throws RangeError behind the end. */
export class AnswerBody {
  readonly #bytes: Buffer;
  #at: number;

  /** What the reader has not read. */
  constructor({ buffer, position }: Kafka.Reader) {
    this.#bytes = buffer.buffer;
    this.#at = position;
  }

  int16(): number {
    this.#at += 2;
    return this.#bytes.readInt16BE(this.#at - 2);
  }

  int32(): number {
    this.#at += 4;
    return this.#bytes.readInt32BE(this.#at - 4);
  }

  /** UNSIGNED_VARINT. */
  unsignedVarint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#at);
      this.#at += 1;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  /** How many there are in the COMPACT_ARRAY that begins here; of none that is null none. */
  elements(): number {
    return Math.max(0, this.unsignedVarint() - 1);
  }

  /** COMPACT_NULLABLE_STRING. */
  text(): string | null {
    const length = this.unsignedVarint() - 1;
    if (length < 0) return null;
    this.leave(length);
    return this.#bytes.toString('utf8', this.#at - length, this.#at);
  }

  /** So many bytes that nobody asks for. */
  leave(bytes: number): void {
    this.#at += bytes;
    if (this.#at > this.#bytes.length) throw new RangeError('an answer ends before its end');
  }

  /** Fields with tags, which nobody asks for: so each structure ends. */
  end(): void {
    for (let fields = this.unsignedVarint(); fields > 0; fields -= 1) {
      this.unsignedVarint();
      this.leave(this.unsignedVarint());
    }
  }
}
