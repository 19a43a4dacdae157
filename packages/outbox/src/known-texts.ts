/** So many are compared one by one; an outbox has a few types of aggregates and of events. */
const textsMax = 32;

interface Known {
  readonly bytes: Buffer;
  readonly text: string;
}

/** Texts that come again and again, without making a string of each: only those of plain ASCII, which is what names are. */
export class KnownTexts {
  readonly #known: Known[] = [];

  /** The text of these bytes; null when it is not ASCII. */
  of(bytes: Buffer, start: number, end: number): string | null {
    for (const known of this.#known) if (isSame(known.bytes, bytes, start, end)) return known.text;
    if (!isAscii(bytes, start, end)) return null;
    const text = bytes.toString('latin1', start, end);
    if (this.#known.length < textsMax)
      this.#known.push({ bytes: Buffer.from(bytes.subarray(start, end)), text });
    return text;
  }
}

function isSame(known: Buffer, bytes: Buffer, start: number, end: number): boolean {
  if (known.length !== end - start) return false;
  for (let at = 0; at < known.length; at += 1) if (known[at] !== bytes[start + at]) return false;
  return true;
}

/** Whether its bytes are the same as text and as bytes, whatever the server's encoding. */
export function isAscii(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if ((bytes[at] as number) > 0x7f) return false;
  return true;
}
