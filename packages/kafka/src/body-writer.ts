import { putBytes } from '@diptych/runtime/bytes';
import { putDigits } from '@diptych/runtime/digits';
import { murmur2 } from './partitioner.ts';
import { putVarint } from './record-fields.ts';
import { type Body, bodyBytesMax, nowhere, type Slab, type Slabs } from './slabs.ts';

/**
 * Writes one body piece by piece: key, value, number of headers, and of each header name and text. `begin` says how many bytes
 * all of it takes at most; without `close` nothing was written.
 */
export class BodyWriter implements Body {
  readonly #slabs: Slabs;
  #bytes: Buffer = nowhere.bytes;
  #start = 0;
  #at = 0;
  #hash = -1;

  constructor(slabs: Slabs) {
    this.#slabs = slabs;
  }

  /** False for a record that is too long to be copied. */
  begin(bytesMax: number): boolean {
    if (bytesMax > bodyBytesMax) return false;
    const at = this.#slabs.room(bytesMax);
    this.#bytes = this.#slabs.slab.bytes;
    this.#start = at;
    this.#at = at;
    this.#hash = -1;
    return true;
  }

  /** A key, which decides the partition; without one `nothing` comes first. */
  key(bytes: Buffer, start: number, end: number): void {
    this.sized(bytes, start, end);
    this.#hash = murmur2(this.#bytes, this.#at - (end - start), this.#at) & 0x7fff_ffff;
  }

  /** No key, or no value. */
  nothing(): void {
    this.#at = putVarint(this.#bytes, this.#at, -1);
  }

  /** Bytes with their length: a value, a header's name or text. */
  sized(bytes: Buffer, start: number, end: number): void {
    this.length(end - start);
    this.raw(bytes, start, end);
  }

  /** A length, or a number of headers. */
  length(length: number): void {
    this.#at = putVarint(this.#bytes, this.#at, length);
  }

  /** Bytes as they are. */
  raw(bytes: Buffer, start = 0, end = bytes.length): void {
    this.#at = putBytes(this.#bytes, this.#at, bytes, start, end);
  }

  /** The digits of a whole number, zero or more and safe. */
  digits(value: number): void {
    this.#at = putDigits(this.#bytes, this.#at, value);
  }

  /** One byte, as it is. */
  byte(value: number): void {
    this.#bytes[this.#at] = value;
    this.#at += 1;
  }

  get slab(): Slab {
    return this.#slabs.slab;
  }

  get start(): number {
    return this.#start;
  }

  /** Of what is written so far. */
  get end(): number {
    return this.#at;
  }

  get hash(): number {
    return this.#hash;
  }

  /** It is written: whoever holds a record that stands there takes it before the next `begin`. */
  close(): this {
    this.#slabs.taken(this.#at);
    return this;
  }
}
