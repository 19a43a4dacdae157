import { nullStart, Row } from '@diptych/pgoutput/row';

/**
 * A row that was read, as the stream would have brought it: the texts of its columns in one buffer. One that is too long for
 * a string comes as its bytes.
 */
export function rowOfTexts(texts: readonly (string | Buffer | null)[]): Row {
  let length = 0;
  for (const text of texts) if (text !== null) length += Buffer.byteLength(text);
  const bytes = Buffer.allocUnsafe(length);
  const bounds: number[] = [];
  let at = 0;
  for (const text of texts) {
    if (text === null) {
      bounds.push(nullStart, nullStart);
      continue;
    }
    const end = at + (typeof text === 'string' ? bytes.write(text, at) : text.copy(bytes, at));
    bounds.push(at, end);
    at = end;
  }
  return new Row(bytes, bounds);
}
