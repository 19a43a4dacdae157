/** Below this, copying byte by byte is faster than a call of `Buffer.copy`. */
const shortBytes = 48;

/** Copies bytes as they are, of which most are few. Answers where they end. There must be room. */
export function putBytes(target: Buffer, at: number, bytes: Buffer, start = 0, end = bytes.length): number {
  if (end - start > shortBytes) return at + bytes.copy(target, at, start, end);
  let to = at;
  for (let from = start; from < end; from += 1) {
    target[to] = bytes[from] as number;
    to += 1;
  }
  return to;
}
