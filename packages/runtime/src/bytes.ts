/**
 * Reading and copying a few bytes at a time, by hand, for what runs several times for each record: `Buffer`'s own reads check
 * their arguments each time.
 */

/** One byte, which must be there. */
export const byteAt = (bytes: Buffer, at: number): number => bytes[at] as number;

/** Four bytes, big-endian, which must be there. */
export const unsigned32At = (bytes: Buffer, at: number): number =>
  byteAt(bytes, at) * 0x100_0000 +
  ((byteAt(bytes, at + 1) << 16) | (byteAt(bytes, at + 2) << 8) | byteAt(bytes, at + 3));

/** Below this, copying byte by byte is faster than a call of `Buffer.copy`. */
const shortBytes = 48;

/** Copies bytes as they are, of which most are few. Answers where they end. There must be room. */
export function putBytes(target: Buffer, at: number, bytes: Buffer, start = 0, end = bytes.length): number {
  if (end - start > shortBytes) return at + bytes.copy(target, at, start, end);
  let to = at;
  for (let from = start; from < end; from += 1) {
    target[to] = byteAt(bytes, from);
    to += 1;
  }
  return to;
}
