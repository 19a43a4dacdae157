/**
 * Writes JSON bytes one value after the other into large slabs, from the bytes of a row, without strings in between.
 * What is taken is a view of a slab: nothing is copied out, and a slab lives as long as the last of its records.
 */

import { putBytes } from '@diptych/runtime/bytes';
import { putDigits } from '@diptych/runtime/digits';

/** Room for some hundred records; a slab that one slow record keeps alive costs no more than this. */
const slabBytes = 256 * 1024;

/** Up to this length room for the worst case, six bytes for one, is asked for; what a longer text takes is counted first. */
const countedBytes = 4096;

/** Besides a long output, for what comes behind it: otherwise a closing brace would double the slab and copy all of it. */
const spareBytes = 64 * 1024;

/** Below this, writing byte by byte is faster than a call of `Buffer.write`. */
const shortBytes = 48;

/** How each byte of UTF-8 is written: 0 as it is, 1 as `\u00xx`, else a backslash and this letter. RFC 8259, section 7. */
const escapes = new Uint8Array(256);
escapes.fill(1, 0, 0x20);
for (const [byte, letter] of ['\bb', '\ff', '\nn', '\rr', '\tt', '""', '\\\\'].map((pair) =>
  Buffer.from(pair),
)) {
  escapes[byte as number] = letter as number;
}

const quote = 0x22;
const backslash = 0x5c;
const hexDigits = Buffer.from('0123456789abcdef');

export class JsonWriter {
  #slab: Buffer;
  #start = 0;
  #at = 0;

  constructor({ bytes = slabBytes }: { readonly bytes?: number } = {}) {
    this.#slab = Buffer.allocUnsafeSlow(bytes);
  }

  /** Says how long the next output may become, so that a long one does not grow by doubling. A hint, not a limit. */
  expect(bytes: number): void {
    this.#room(bytes);
  }

  /** One byte, as it is. */
  byte(value: number): void {
    this.#room(1);
    this.#slab[this.#at++] = value;
  }

  /** Bytes as they are: prepared JSON, or digits. */
  raw(bytes: Buffer, start = 0, end = bytes.length): void {
    this.#room(end - start);
    this.#at = putBytes(this.#slab, this.#at, bytes, start, end);
  }

  /** Characters of ASCII as they are: digits, punctuation. */
  ascii(text: string): void {
    const { length } = text;
    this.#room(length);
    if (length > shortBytes) {
      this.#at += this.#slab.write(text, this.#at, 'latin1');
      return;
    }
    const slab = this.#slab;
    const at = this.#at;
    for (let index = 0; index < length; index += 1) slab[at + index] = text.charCodeAt(index);
    this.#at = at + length;
  }

  /** Any text as it is, as UTF-8: prepared JSON. */
  text(text: string): void {
    this.#room(3 * text.length);
    const { length } = text;
    const slab = this.#slab;
    const at = this.#at;
    for (let index = 0; index < length; index += 1) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) {
        this.#at += slab.write(text, at);
        return;
      }
      slab[at + index] = code;
    }
    this.#at = at + length;
  }

  /** The digits of a whole number, zero or more and safe. */
  digits(value: number): void {
    this.#room(16);
    this.#at = putDigits(this.#slab, this.#at, value);
  }

  /** UTF-8 as a JSON string, with its quotes. */
  string(bytes: Buffer, start = 0, end = bytes.length): void {
    const length = end - start;
    this.#room(2 + (length <= countedBytes ? 6 * length : escapedBytes(bytes, start, end)));
    this.byte(quote);
    this.#escape(bytes, start, end);
    this.byte(quote);
  }

  /** How many bytes were written since the last take. */
  get written(): number {
    return this.#at - this.#start;
  }

  /** What was written since the last take, to be copied: good until more is written. */
  peek(): { readonly bytes: Buffer; readonly start: number } {
    return { bytes: this.#slab, start: this.#start };
  }

  /** All that was written since the last take. */
  take(): Buffer {
    const taken = this.#slab.subarray(this.#start, this.#at);
    this.#start = this.#at;
    return taken;
  }

  /** Forgets what was written since the last take, but for its first bytes. */
  rewind(written = 0): void {
    this.#at = this.#start + written;
  }

  /** There is room. */
  #escape(bytes: Buffer, start: number, end: number): void {
    const slab = this.#slab;
    let at = this.#at;
    for (let from = start; from < end; from += 1) {
      const byte = bytes[from] as number;
      const written = escapes[byte] as number;
      if (written === 0) slab[at++] = byte;
      else if (written === 1) {
        at += slab.write('\\u00', at, 'latin1');
        slab[at++] = hexDigits[byte >> 4] as number;
        slab[at++] = hexDigits[byte & 15] as number;
      } else {
        slab[at++] = backslash;
        slab[at++] = written;
      }
    }
    this.#at = at;
  }

  /** Makes room; what was written since the last take moves to the new slab, the rest of the old one stays with its records. */
  #room(bytes: number): void {
    if (this.#at + bytes <= this.#slab.length) return;
    const written = this.#at - this.#start;
    const needed = written + Math.max(written, bytes);
    const slab = Buffer.allocUnsafeSlow(needed < slabBytes ? slabBytes : needed + spareBytes);
    this.#slab.copy(slab, 0, this.#start, this.#at);
    this.#slab = slab;
    this.#start = 0;
    this.#at = written;
  }
}

/** What a text takes between its quotes. */
function escapedBytes(bytes: Buffer, start: number, end: number): number {
  let length = end - start;
  for (let at = start; at < end; at += 1) {
    const written = escapes[bytes[at] as number] as number;
    if (written !== 0) length += written === 1 ? 5 : 1;
  }
  return length;
}
