/**
 * Records that wait as the bytes they will be sent as. What a queue holds is copied by the garbage collector again and again
 * while it waits: of a record as buffers, texts and lists that was half of what a drain cost; of one as a place in a slab
 * next to nothing is left.
 */
import { assert } from '@diptych/runtime/assert';
import { murmur2 } from './partitioner.ts';
import type { OutgoingRecord, RecordHeader } from './record.ts';
import { FieldsWriter, fieldsBytesMax, putVarint } from './record-fields.ts';

/** Room for some hundred records. */
const slabBytes = 256 * 1024;
/** A longer record stays what it is: a second copy of it would cost memory, and it is one of few. */
const bodyBytesMax = 16 * 1024;
/** Below this, copying byte by byte is faster than a call of `Buffer.copy`. */
const shortBytes = 48;

/** Slabs without records that are kept for the next ones: as much as a relay lets wait by default. */
const freeSlabsMax = 32;

/** Memory that many records stand in. */
interface Slab {
  readonly bytes: Buffer;
  readonly home: Slabs | null;
  /** Records in it that were not released. */
  held: number;
}

const nowhere: Slab = { bytes: Buffer.alloc(0), home: null, held: 0 };

/** Where a body stands: all of a record but what depends on its place in a batch, from the length of its key on. */
export interface Body {
  readonly slab: Slab;
  readonly start: number;
  readonly end: number;
  /** Of the key, not negative; -1 without a key. */
  readonly hash: number;
}

/**
 * A record without a partition of its own, and not spread over all. Key, value and headers are read when they are asked for: an
 * object that is made of it by `...` lacks them.
 */
export class PackedRecord implements OutgoingRecord {
  readonly topic: string;
  readonly timestampMs: number;
  readonly start: number;
  readonly end: number;
  #slab: Slab;
  readonly #hash: number;

  constructor({ topic, timestampMs }: Pick<OutgoingRecord, 'topic' | 'timestampMs'>, body: Body) {
    this.topic = topic;
    this.timestampMs = timestampMs;
    this.#slab = body.slab;
    this.start = body.start;
    this.end = body.end;
    this.#hash = body.hash;
  }

  /** Where `start` and `end` are. */
  get slab(): Buffer {
    assert(this.#slab !== nowhere, 'a record that was released is not read');
    return this.#slab.bytes;
  }

  /** Nobody reads it any more: its place is another one's. Once. A record that is never released costs its slab a second use. */
  release(): void {
    assert(this.#slab !== nowhere, 'a record is released once');
    const slab = this.#slab;
    this.#slab = nowhere;
    slab.home?.released(slab);
  }

  get key(): Buffer | null {
    return new BodyReader(this).bytes();
  }

  get value(): Buffer | null {
    const body = new BodyReader(this);
    body.bytes();
    return body.bytes();
  }

  get headers(): readonly RecordHeader[] {
    const body = new BodyReader(this);
    body.bytes();
    body.bytes();
    const headers: RecordHeader[] = [];
    for (let left = body.varint(); left > 0; left -= 1) headers.push([body.text(), body.text()]);
    return headers;
  }

  /** As `partitionOf` its key. */
  partitionOf(partitions: number): number {
    return this.#hash === -1 ? 0 : this.#hash % partitions;
  }
}

/** Packs whole records. */
export class RecordPacker {
  readonly #slabs: Slabs;
  readonly #fields = new FieldsWriter();

  constructor(slabs: Slabs = new Slabs()) {
    this.#slabs = slabs;
  }

  /** Null for a record that is too long to be copied, or that says itself which partition it goes to. */
  pack(record: OutgoingRecord): Body | null {
    if (record.spread !== undefined || record.partition !== undefined || record.vouches) return null;
    const bytesMax = fieldsBytesMax(record);
    if (bytesMax > bodyBytesMax) return null;
    const { key } = record;
    const start = this.#slabs.room(bytesMax);
    const { slab } = this.#slabs;
    const end = this.#fields.write(slab.bytes, start, record);
    this.#slabs.taken(end);
    return { slab, start, end, hash: key === null ? -1 : murmur2(key) & 0x7fff_ffff };
  }
}

/**
 * Writes one body piece by piece: key, value, number of headers, and of each header name and text. `begin` says how many bytes
 * all of it takes at most; without `end` nothing was written.
 */
export class BodyWriter {
  readonly #slabs: Slabs;
  #slab: Buffer = nowhere.bytes;
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
    this.#slab = this.#slabs.slab.bytes;
    this.#start = at;
    this.#at = at;
    this.#hash = -1;
    return true;
  }

  /** A key, which decides the partition; without one `nothing` comes first. */
  key(bytes: Buffer, start: number, end: number): void {
    this.sized(bytes, start, end);
    this.#hash = murmur2(this.#slab, this.#at - (end - start), this.#at) & 0x7fff_ffff;
  }

  /** No key, or no value. */
  nothing(): void {
    this.#at = putVarint(this.#slab, this.#at, -1);
  }

  /** Bytes with their length: a value, a header's name or text. */
  sized(bytes: Buffer, start: number, end: number): void {
    this.length(end - start);
    this.raw(bytes, start, end);
  }

  /** A length, or a number of headers. */
  length(length: number): void {
    this.#at = putVarint(this.#slab, this.#at, length);
  }

  /** Bytes as they are. */
  raw(bytes: Buffer, start = 0, end = bytes.length): void {
    const slab = this.#slab;
    let at = this.#at;
    if (end - start > shortBytes) this.#at += bytes.copy(slab, at, start, end);
    else {
      for (let from = start; from < end; from += 1) {
        slab[at] = bytes[from] as number;
        at += 1;
      }
      this.#at = at;
    }
  }

  /** ASCII as it is. */
  ascii(text: string): void {
    for (let index = 0; index < text.length; index += 1) {
      this.#slab[this.#at] = text.charCodeAt(index);
      this.#at += 1;
    }
  }

  /** How long it is so far. */
  get written(): number {
    return this.#at - this.#start;
  }

  /** It is written. */
  end(): Body {
    this.#slabs.taken(this.#at);
    return { slab: this.#slabs.slab, start: this.#start, end: this.#at, hash: this.#hash };
  }
}

/**
 * Where bodies stand, one behind the other. A slab whose records were all released is used again: left to the garbage collector,
 * which sees only small objects that are old, dozens of them would be resident at any time, and it would mark all it has to find them.
 */
export class Slabs {
  #slab = this.#newSlab();
  #at = 0;
  readonly #free: Slab[] = [];

  /** The one with room. */
  get slab(): Slab {
    return this.#slab;
  }

  /** A place in `slab` with so many bytes behind it, at most the longest body. */
  room(bytes: number): number {
    if (this.#at + bytes > slabBytes) {
      const full = this.#slab;
      this.#slab = this.#free.pop() ?? this.#newSlab();
      this.#at = 0;
      if (full.held === 0) this.#keep(full);
    }
    return this.#at;
  }

  /** A record stands before `at`. */
  taken(at: number): void {
    this.#at = at;
    this.#slab.held += 1;
  }

  /** One record less stands in it. */
  released(slab: Slab): void {
    slab.held -= 1;
    if (slab.held === 0 && slab !== this.#slab) this.#keep(slab);
  }

  #newSlab(): Slab {
    return { bytes: Buffer.allocUnsafeSlow(slabBytes), home: this, held: 0 };
  }

  #keep(slab: Slab): void {
    if (this.#free.length < freeSlabsMax) this.#free.push(slab);
  }
}

class BodyReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor({ slab, start }: { readonly slab: Buffer; readonly start: number }) {
    this.#bytes = slab;
    this.#at = start;
  }

  varint(): number {
    let zigzag = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes[this.#at] as number;
      this.#at += 1;
      zigzag |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (zigzag >>> 1) ^ -(zigzag & 1);
    }
  }

  bytes(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  text(): string {
    return this.bytes()?.toString() ?? '';
  }
}
