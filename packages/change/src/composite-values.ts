/** Composite values: `(1,"a b",)`. https://www.postgresql.org/docs/18/rowtypes.html#ROWTYPES-IO-SYNTAX */
import type { JsonWriter } from './json-writer.ts';
import { quotedEnd, writeQuoted } from './nested-text.ts';
import { type ValueWriter, writeText } from './value-writer.ts';

const quote = 0x22;
const comma = 0x2c;
const jsonNull = Buffer.from('null');

export interface FieldWriter {
  readonly name: string;
  readonly write: ValueWriter;
}

/**
 * An object by the names of the fields. When a value has another number of fields than the type has in the catalogue,
 * which may be newer, it is its text.
 */
export function compositeWriter(fields: readonly FieldWriter[]): ValueWriter {
  const names = fields.map(({ name }, index) =>
    Buffer.from(`${index === 0 ? '{' : ','}${JSON.stringify(name)}:`),
  );
  return (out, bytes, start, end) => {
    if (fields.length === 0) return out.ascii('{}');
    const places = fieldsOf(bytes, start, end);
    if (places.length !== fields.length) return writeText(out, bytes, start, end);
    fields.forEach(({ write }, index) => {
      out.raw(names[index] as Buffer);
      writeField(out, { bytes, place: places[index] as Place, write });
    });
    out.ascii('}');
  };
}

interface Place {
  readonly start: number;
  readonly end: number;
  readonly isQuoted: boolean;
}

function writeField(
  out: JsonWriter,
  { bytes, place, write }: { bytes: Buffer; place: Place; write: ValueWriter },
): void {
  const { start, end, isQuoted } = place;
  if (isQuoted) writeQuoted(out, { bytes, start, end, write });
  else if (start === end) out.raw(jsonNull);
  else write(out, bytes, start, end);
}

/** At least one: a single null is written as nothing between the parentheses. */
function fieldsOf(bytes: Buffer, start: number, end: number): Place[] {
  const places: Place[] = [];
  let at = start + 1;
  while (at < end) {
    const isQuoted = bytes[at] === quote;
    const first = isQuoted ? at + 1 : at;
    let last = first;
    if (isQuoted) last = quotedEnd(bytes, first);
    else while (bytes[last] !== comma && last < end - 1) last += 1;
    places.push({ start: first, end: last, isQuoted });
    at = last + (isQuoted ? 2 : 1);
  }
  return places;
}
