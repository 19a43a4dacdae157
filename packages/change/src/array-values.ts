/** Arrays: `{1,NULL,"a,b"}`, nested, with bounds `[0:1]={1,2}`. https://www.postgresql.org/docs/18/arrays.html#ARRAYS-IO */
import { quotedEnd, writeQuoted } from './nested-text.ts';
import type { ValueWriter } from './value-writer.ts';

const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const equals = 0x3d;
const comma = 0x2c;
const quote = 0x22;
const jsonNull = Buffer.from('null');
const sqlNull = Buffer.from('NULL');

/**
 * JSON arrays, nested as deep as the array has dimensions. An array whose bounds are not the usual ones is its text as a
 * string when `bounds` are kept, because a list does not tell them.
 */
export function arrayWriter(
  element: ValueWriter,
  { delimiter, bounds }: { readonly delimiter: number; readonly bounds: 'kept' | 'dropped' },
): ValueWriter {
  return (out, bytes, start, end) => {
    let at = start;
    if (bytes[at] === openBracket) {
      if (bounds === 'kept') return out.string(bytes, start, end);
      at = bytes.indexOf(equals, at) + 1;
    }
    while (at < end) {
      const byte = bytes[at] as number;
      if (byte === openBrace) out.byte(openBracket);
      else if (byte === closeBrace) out.byte(closeBracket);
      else if (byte === delimiter) out.byte(comma);
      else if (byte === quote) {
        const last = quotedEnd(bytes, at + 1);
        writeQuoted(out, { bytes, start: at + 1, end: last, write: element });
        at = last;
      } else {
        const first = at;
        while (at < end && bytes[at] !== delimiter && bytes[at] !== closeBrace) at += 1;
        if (isNull(bytes, first, at)) out.raw(jsonNull);
        else element(out, bytes, first, at);
        continue;
      }
      at += 1;
    }
  };
}

/** An element that is the text NULL stands in quotes. */
function isNull(bytes: Buffer, start: number, end: number): boolean {
  return end - start === sqlNull.length && bytes.compare(sqlNull, 0, sqlNull.length, start, end) === 0;
}
