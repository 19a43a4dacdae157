import { nullStart, Row } from '@diptych/pgoutput/row';

/** A row that was read, as the stream would have brought it: the texts of its columns in one buffer. */
export function rowOfTexts(texts: readonly (string | null)[]): Row {
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
    const end = at + bytes.write(text, at);
    bounds.push(at, end);
    at = end;
  }
  return new Row(bytes, bounds);
}
