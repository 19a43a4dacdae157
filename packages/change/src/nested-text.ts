import type { JsonWriter } from './json-writer.ts';
import type { ValueWriter } from './value-writer.ts';

const backslash = 0x5c;
const quote = 0x22;

/**
 * Writes the value whose text stands quoted inside another (an array's element, a composite's field), from the first
 * byte after its quote to the quote that ends it: as it is when nothing in it is escaped.
 */
export function writeQuoted(
  out: JsonWriter,
  { bytes, start, end, write }: { bytes: Buffer; start: number; end: number; write: ValueWriter },
): void {
  const plain = withoutEscapes(bytes, start, end);
  if (plain === null) write(out, bytes, start, end);
  else write(out, plain, 0, plain.length);
}

/** Where the quoted text that begins at `start` ends: at its closing quote. A doubled quote is one in the text. */
export function quotedEnd(bytes: Buffer, start: number): number {
  let at = start;
  for (;;) {
    const byte = bytes[at];
    if (byte === undefined) return at;
    if (byte === backslash) at += 2;
    else if (byte !== quote) at += 1;
    else if (bytes[at + 1] === quote) at += 2;
    else return at;
  }
}

/** The text without its escapes (`\x`, `""`); null when it has none. */
function withoutEscapes(bytes: Buffer, start: number, end: number): Buffer | null {
  let first = start;
  while (first < end && bytes[first] !== backslash && bytes[first] !== quote) first += 1;
  if (first === end) return null;
  const plain = Buffer.allocUnsafe(end - start);
  let length = 0;
  for (let at = start; at < end; at += 1) {
    if (bytes[at] === backslash || bytes[at] === quote) at += 1;
    plain[length++] = bytes[at] as number;
  }
  return plain.subarray(0, length);
}
