/** pgvector's types. https://github.com/pgvector/pgvector */
import type { ValueWriter } from './value-writer.ts';

const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const colon = 0x3a;
const comma = 0x2c;
const slash = 0x2f;

/** vector and halfvec: `[1,2.5,3e-05]` is a JSON list as it stands. */
export const writeVector: ValueWriter = (out, bytes, start, end) => out.raw(bytes, start, end);

/** sparsevec `{1:201,9:209}/3000`: `{dimensions, vector}`, its entries as pairs, which is how Connect's JSON has such a map. */
export const writeSparseVector: ValueWriter = (out, bytes, start, end) => {
  const last = bytes.lastIndexOf(slash, end - 1);
  out.ascii('{"dimensions":');
  out.raw(bytes, last + 1, end);
  out.ascii(',"vector":[');
  let inEntry = false;
  for (let at = start; at < last; at += 1) {
    const byte = bytes[at] as number;
    if (byte === openBrace || byte === closeBrace) continue;
    if (!inEntry) out.byte(openBracket);
    inEntry = true;
    if (byte === comma) {
      out.byte(closeBracket);
      inEntry = false;
    }
    out.byte(byte === colon ? comma : byte);
  }
  if (inEntry) out.byte(closeBracket);
  out.ascii(']}');
};
