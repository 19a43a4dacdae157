/**
 * Column text to JSON, by type. A value goes from the row's bytes to the published bytes and is never a JavaScript
 * number or Date on its way: nothing is rounded. The text is what the type's output function wrote with
 * `datestyle = ISO`, which the replication session sets.
 */
import type { JsonWriter } from './json-writer.ts';
import { writeDate, writeTime, writeTimestamp } from './time-values.ts';

/** Writes the JSON value for the text in `bytes` from `start` to `end`. */
export type ValueWriter = (out: JsonWriter, bytes: Buffer, start: number, end: number) => void;

const jsonTrue = Buffer.from('true');
const jsonFalse = Buffer.from('false');

const writeText: ValueWriter = (out, bytes, start, end) => out.string(bytes, start, end);

const writeInteger: ValueWriter = (out, bytes, start, end) => out.raw(bytes, start, end);

const writeBoolean: ValueWriter = (out, bytes, start) =>
  out.raw(bytes[start] === 0x74 ? jsonTrue : jsonFalse);

/** The shortest digits that give the same float again; NaN, Infinity and -Infinity, which JSON lacks, as strings. */
const writeFloat: ValueWriter = (out, bytes, start, end) => {
  const last = bytes[end - 1] as number;
  if (last >= 0x30 && last <= 0x39) out.raw(bytes, start, end);
  else out.string(bytes, start, end);
};

/** NaN and the infinities under the names that Debezium's `decimal.handling.mode=string` gives them. */
const specialNumerics: ReadonlyMap<string, Buffer> = new Map([
  ['NaN', Buffer.from('"NAN"')],
  ['Infinity', Buffer.from('"POSITIVE_INFINITY"')],
  ['-Infinity', Buffer.from('"NEGATIVE_INFINITY"')],
]);

const writeNumeric: ValueWriter = (out, bytes, start, end) => {
  const last = bytes[end - 1] as number;
  const special = last > 0x39 ? specialNumerics.get(bytes.toString('latin1', start, end)) : undefined;
  if (special) out.raw(special);
  else out.string(bytes, start, end);
};

/** By type oid: https://github.com/postgres/postgres/blob/REL_18_STABLE/src/include/catalog/pg_type.dat */
const writers: ReadonlyMap<number, ValueWriter> = new Map<number, ValueWriter>([
  [16, writeBoolean], // bool
  [20, writeInteger], // int8
  [21, writeInteger], // int2
  [23, writeInteger], // int4
  [26, writeInteger], // oid
  [700, writeFloat], // float4
  [701, writeFloat], // float8
  [1082, writeDate], // date
  [1083, writeTime], // time
  [1114, writeTimestamp], // timestamp
  [1184, writeTimestamp], // timestamptz
  [1266, writeTime], // timetz
  [1700, writeNumeric], // numeric
]);

/** The writer for a type; the text itself, as a string, for every type that has none of its own. */
export function valueWriter(typeOid: number): ValueWriter {
  return writers.get(typeOid) ?? writeText;
}
