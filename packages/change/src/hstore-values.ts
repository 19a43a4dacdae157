/** hstore: `"a"=>"1", "b"=>NULL`. https://www.postgresql.org/docs/18/hstore.html#HSTORE-EXTERNAL-REP */
import { JsonWriter } from './json-writer.ts';
import { quotedEnd, writeQuoted } from './nested-text.ts';
import type { ValueModes } from './value-modes.ts';
import { type ValueWriter, writeText } from './value-writer.ts';

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const jsonNull = Buffer.from('null');

const writeMap: ValueWriter = (out, bytes, start, end) => {
  let at = start;
  out.byte(openBrace);
  while (at < end) {
    if (at > start) out.byte(comma);
    const keyEnd = quotedEnd(bytes, at + 1);
    writeQuoted(out, { bytes, start: at + 1, end: keyEnd, write: writeText });
    out.byte(colon);
    const value = keyEnd + '"=>'.length;
    if (bytes[value] === quote) {
      at = quotedEnd(bytes, value + 1);
      writeQuoted(out, { bytes, start: value + 1, end: at, write: writeText });
      at += '", '.length;
    } else {
      out.raw(jsonNull);
      at = value + 'NULL, '.length;
    }
  }
  out.byte(closeBrace);
};

export function hstoreWriter(mode: ValueModes['hstore']): ValueWriter {
  if (mode === 'map') return writeMap;
  const json = new JsonWriter({ bytes: 1024 });
  return (out, bytes, start, end) => {
    writeMap(json, bytes, start, end);
    out.string(json.take());
  };
}
