import { OperatingError } from '@diptych/runtime/failure';
import { type Lsn, readLsn } from '@diptych/wal/lsn';

/** PostgreSQL counts µs from 2000-01-01. https://www.postgresql.org/docs/18/protocol-logicalrep-message-formats.html */
const epochUs = 946_684_800_000_000n;

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
    return this.#bytes[this.#advance(1)] as number;
  }

  int16(): number {
    return this.#bytes.readUInt16BE(this.#advance(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#advance(4));
  }

  unsigned32(): number {
    return this.#bytes.readUInt32BE(this.#advance(4));
  }

  lsn(): Lsn {
    return readLsn(this.#bytes, this.#advance(8));
  }

  /** µs since 1970. */
  timeUs(): bigint {
    return this.#bytes.readBigInt64BE(this.#advance(8)) + epochUs;
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

  /** States that the message is read to its end. */
  ended(): void {
    if (this.#at !== this.#end) this.fail(`${this.#end - this.#at} bytes are left over`);
    this.#bytes = nothing;
  }

  /** What was read last is not what the protocol allows. */
  fail(what: string): never {
    const code = this.size > 0 ? (this.#bytes[this.#start] as number) : 0;
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
    if (start + length > this.#end) this.fail(`${length} bytes do not fit into ${this.size}`);
    this.#at = start + length;
    return start;
  }
}
