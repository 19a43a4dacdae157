import { type ReadRows, RowGatherer } from './read-rows.ts';

type Texts = readonly (string | null)[];

/** What a DataRow with these texts holds, behind its head. */
export function dataRowOf(texts: Texts): Buffer {
  const count = Buffer.alloc(2);
  count.writeUInt16BE(texts.length);
  const values = texts.flatMap((text) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(text === null ? -1 : Buffer.byteLength(text));
    return [length, Buffer.from(text ?? '')];
  });
  return Buffer.concat([count, ...values]);
}

/** Rows with these texts, as they would have been read. */
export function readRowsOf(rows: readonly Texts[]): ReadRows {
  const gatherer = new RowGatherer({ bytesMax: Number.POSITIVE_INFINITY, expectedBytes: 0 });
  for (const texts of rows) {
    const content = dataRowOf(texts);
    gatherer.add(content, 0, content.length);
  }
  return gatherer.rows;
}

/** The texts of a row. */
export function textsOf(rows: ReadRows, index: number): Texts {
  const bounds = rows.bounds(index);
  return Array.from({ length: bounds.length / 2 }, (_, column) => {
    const start = bounds[2 * column] ?? 0;
    return start < 0 ? null : rows.bytes.toString('utf8', start, bounds[2 * column + 1]);
  });
}
