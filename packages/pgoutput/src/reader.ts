import { byteAt, unsigned32At } from '@diptych/runtime/bytes';
import { OperatingError } from '@diptych/runtime/failure';
import { type Lsn, readLsn } from '@diptych/wal/lsn';
import { nullStart, unchangedStart } from './row.ts';

/** PostgreSQL counts µs from 2000-01-01. https://www.postgresql.org/docs/18/protocol-logicalrep-message-formats.html */
const epochUs = 946_684_800_000_000;
/** The upper half of times that are safe numbers, from either epoch: some 140 years from 2000 on. */
const safeHigh = 0x10_0000;

const nothing: Buffer = Buffer.alloc(0);

/**
 * Reads the protocol's fields one after the other, big-endian, within the bounds of one message. Every breach is an
 * OperatingError `wal-message-malformed` that names the message's tag and the position in it. One for all messages of a session.
 */
export class Reader {
  #bytes = nothing;
  #start = 0;
  #at = 0;
  #end = 0;

  /** Begins with the message that stands from `start` to `end`. */
  begin(bytes: Buffer, start: number, end: number): void {
    this.#bytes = bytes;
    this.#start = start;
    this.#at = start;
    this.#end = end;
  }

  /** In which the message stands, among others. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** How long the message is. */
  get size(): number {
    return this.#end - this.#start;
  }

  /** Where the next field stands in `bytes`. */
  get at(): number {
    return this.#at;
  }

  byte(): number {
    return byteAt(this.#bytes, this.#advance(1));
  }

  int16(): number {
    return this.#bytes.readUInt16BE(this.#advance(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#advance(4));
  }

  unsigned32(): number {
    return unsigned32At(this.#bytes, this.#advance(4));
  }

  lsn(): Lsn {
    return readLsn(this.#bytes, this.#advance(8));
  }

  /** µs since 1970. */
  timeUs(): bigint {
    const at = this.#advance(8);
    const high = unsigned32At(this.#bytes, at);
    // `Buffer`'s own way makes four bigints of them, and every transaction has two.
    if (high < safeHigh) return BigInt(high * 0x1_0000_0000 + unsigned32At(this.#bytes, at + 4) + epochUs);
    return this.#bytes.readBigInt64BE(at) + BigInt(epochUs);
  }

  /** A string that a zero byte ends. */
  string(): string {
    const start = this.#at;
    const end = this.#bytes.indexOf(0, start);
    if (end < 0 || end >= this.#end) this.fail('a string has no end');
    this.#at = end + 1;
    return this.#bytes.toString('utf8', start, end);
  }

  /** Skips a value whose length stands before it, and returns where it starts; it ends at `at`. */
  sized(): number {
    const length = this.unsigned32();
    return this.#advance(length);
  }

  /**
   * So many values of a row: of each `n`, `u`, or `t` with length and text. Two numbers for each, as Row has them. By hand: this is
   * where most of decoding is.
   */
  values(columns: number): number[] {
    const bytes = this.#bytes;
    const end = this.#end;
    // As long as it will be: pushed to, it would be copied several times for each row.
    const bounds = new Array<number>(2 * columns);
    let at = this.#at;
    for (let index = 0; index < bounds.length; index += 2) {
      if (at >= end) this.#short(at, 1);
      const kind = bytes[at];
      if (kind === 0x74) {
        if (at + 5 > end) this.#short(at + 1, 4);
        const start = at + 5;
        at = start + unsigned32At(bytes, at + 1);
        if (at > end) this.#short(start, at - start);
        bounds[index] = start;
        bounds[index + 1] = at;
      } else if (kind === 0x6e || kind === 0x75) {
        const start = kind === 0x6e ? nullStart : unchangedStart;
        bounds[index] = start;
        bounds[index + 1] = start;
        at += 1;
      } else {
        this.#at = at + 1;
        this.fail('a value that is not text');
      }
    }
    this.#at = at;
    return bounds;
  }

  /** States that the message is read to its end. */
  ended(): void {
    if (this.#at !== this.#end) this.fail(`${this.#end - this.#at} bytes are left over`);
    this.#bytes = nothing;
  }

  /** What was read last is not what the protocol allows. */
  fail(what: string): never {
    const code = this.size > 0 ? byteAt(this.#bytes, this.#start) : 0;
    const tag = code > 0x20 && code < 0x7f ? `'${String.fromCharCode(code)}'` : `0x${code.toString(16)}`;
    throw new OperatingError(
      'wal-message-malformed',
      `pgoutput message ${tag}: ${what} at byte ${this.#at - this.#start}`,
      {
        remedy:
          'Check that the slot uses pgoutput with protocol version 1 and text values, and that this release knows the server.',
      },
    );
  }

  #advance(length: number): number {
    const start = this.#at;
    if (start + length > this.#end) this.#short(start, length);
    this.#at = start + length;
    return start;
  }

  /** The message ends before so many bytes at `at`. */
  #short(at: number, length: number): never {
    this.#at = at;
    this.fail(`${length} bytes do not fit into ${this.size}`);
  }
}
