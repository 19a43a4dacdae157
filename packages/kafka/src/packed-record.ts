/**
 * Records that wait as the bytes they will be sent as. What a queue holds is copied by the garbage collector again and again
 * while it waits: of a record as buffers, texts and lists that was half of what a drain cost; of one as a place in a slab
 * next to nothing is left.
 */
import { assert } from '@diptych/runtime/assert';
import { murmur2 } from './partitioner.ts';
import type { OutgoingRecord, RecordHeader } from './record.ts';
import { FieldsWriter, fieldsBytesMax } from './record-fields.ts';
import { type Body, bodyBytesMax, nowhere, Slabs } from './slabs.ts';

export type PackedHead = Pick<OutgoingRecord, 'topic' | 'timestampMs'>;

/**
 * A record without a partition of its own, and not spread over all. Key, value and headers are read when they are asked for: an
 * object that is made of it by `...` lacks them.
 */
export class PackedRecord implements OutgoingRecord {
  topic = '';
  timestampMs = Number.NaN;
  start = 0;
  end = 0;
  #slab = nowhere;
  #hash = -1;

  constructor(head: PackedHead, body: Body) {
    this.#put(head, body);
  }

  /** Is another record from now on, which is none yet, or was released. */
  hold(head: PackedHead, body: Body): void {
    assert(this.#slab === nowhere, 'a record is another one when it was released');
    this.#put(head, body);
  }

  #put({ topic, timestampMs }: PackedHead, { slab, start, end, hash }: Body): void {
    this.topic = topic;
    this.timestampMs = timestampMs;
    this.start = start;
    this.end = end;
    this.#slab = slab;
    this.#hash = hash;
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
