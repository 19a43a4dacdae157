/**
 * What a record consists of, wherever in a batch it stands: key, value, headers. And the numbers, bytes and texts of which all
 * of it is made. https://kafka.apache.org/43/implementation/message-format/
 */
import type { OutgoingRecord } from './record.ts';

/** Length of key, length of value, number of headers: their longest. */
const lengthsBytes = 5 + 5 + 5;
/** Names of headers are few, and the same in all records. */
const namesMax = 1000;

type Fields = Pick<OutgoingRecord, 'key' | 'value' | 'headers'>;

/** Room that is enough for key, value and headers, in bytes. */
export function fieldsBytesMax({ key, value, headers }: Fields): number {
  let bytes = lengthsBytes + (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, text] of headers) bytes += 10 + 3 * (name.length + text.length);
  return bytes;
}

/** Remembers the names of headers. */
export class FieldsWriter {
  readonly #names = new Map<string, Buffer>();

  /** Writes from the length of the key on, and answers where it ends. There must be room. */
  write(bytes: Buffer, start: number, { key, value, headers }: Fields): number {
    let at = putBytes(bytes, start, key);
    at = putBytes(bytes, at, value);
    at = putVarint(bytes, at, headers.length);
    for (const [name, text] of headers) {
      const encoded = this.#name(name);
      bytes.set(encoded, at);
      at = putText(bytes, at + encoded.length, text);
    }
    return at;
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

/** Bytes of a length as a zigzag varint. */
export function varintBytes(length: number): number {
  if (length < 0x40) return 1;
  if (length < 0x2000) return 2;
  if (length < 0x10_0000) return 3;
  if (length < 0x800_0000) return 4;
  return 5;
}

/** Zigzag, of a 32-bit integer. Answers where it ends, as all that follow. */
export function putVarint(bytes: Buffer, at: number, value: number): number {
  return putUnsignedVarint(bytes, at, ((value << 1) ^ (value >> 31)) >>> 0);
}

/** Seven bits a byte, the lowest first; of a 32-bit integer without a sign. */
export function putUnsignedVarint(bytes: Buffer, at: number, value: number): number {
  let end = at;
  let rest = value;
  while (rest > 0x7f) {
    bytes[end] = (rest & 0x7f) | 0x80;
    end += 1;
    rest >>>= 7;
  }
  bytes[end] = rest;
  return end + 1;
}

/** The same of a 64-bit integer. */
export function putVarlong(bytes: Buffer, at: number, value: number): number {
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
