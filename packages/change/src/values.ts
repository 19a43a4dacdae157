/**
 * Column text to JSON, by type. A value goes from the row's bytes to the published bytes and is never a JavaScript
 * number or Date on its way: nothing is rounded. The text is what the type's output function wrote with the settings of
 * the replication session (`datestyle = ISO`, `intervalstyle = iso_8601`, `timezone = UTC`, `bytea_output = hex`).
 */
import { arrayWriter } from './array-values.ts';
import { bitsWriter, byteaWriter, textAsBytesWriter } from './binary-values.ts';
import { compositeWriter } from './composite-values.ts';
import { moneyWriter, numericWriter } from './decimal-values.ts';
import { clockWriter, timestampWriter, writeDays } from './epoch-values.ts';
import {
  polygonWriter,
  writeBox,
  writeCircle,
  writeGeography,
  writeGeometry,
  writeLine,
  writePath,
  writePoint,
  writeSegment,
} from './geometric-values.ts';
import { hstoreWriter } from './hstore-values.ts';
import { intervalWriter } from './interval-values.ts';
import { type PostgresType, withoutDomains } from './postgres-type.ts';
import { writeDate, writeTime, writeTimestamp, writeZonedTime, zonedTimestampWriter } from './time-values.ts';
import type { ValueModes } from './value-modes.ts';
import { type ValueWriter, writeText } from './value-writer.ts';
import { writeSparseVector, writeVector } from './vector-values.ts';

const jsonTrue = Buffer.from('true');
const jsonFalse = Buffer.from('false');

const writeInteger: ValueWriter = (out, bytes, start, end) => out.raw(bytes, start, end);

const writeBoolean: ValueWriter = (out, bytes, start) =>
  out.raw(bytes[start] === 0x74 ? jsonTrue : jsonFalse);

/** The shortest digits that give the same float again; NaN, Infinity and -Infinity, which JSON lacks, as strings. */
const writeFloat: ValueWriter = (out, bytes, start, end) => {
  const last = bytes[end - 1] as number;
  if (last >= 0x30 && last <= 0x39) out.raw(bytes, start, end);
  else out.string(bytes, start, end);
};

/** Types whose form no mode changes. */
const fixed: ReadonlyMap<string, ValueWriter> = new Map<string, ValueWriter>([
  ['bool', writeBoolean],
  ...['int2', 'int4', 'int8', 'oid'].map((name) => [name, writeInteger] as const),
  ...['float4', 'float8'].map((name) => [name, writeFloat] as const),
  ['timetz', writeZonedTime],
  ['point', writePoint],
  ['box', writeBox],
  ['lseg', writeSegment],
  ['path', writePath],
  ['circle', writeCircle],
  ['line', writeLine],
  ['geometry', writeGeometry],
  ['geography', writeGeography],
  ...['vector', 'halfvec'].map((name) => [name, writeVector] as const),
  ['sparsevec', writeSparseVector],
]);

/** Types that Debezium knows and sends as their text. */
const textTypes: ReadonlySet<string> = new Set(
  (
    'char name text bpchar varchar json jsonb xml uuid inet cidr macaddr macaddr8 tsvector citext ltree isbn ' +
    'int4range int8range numrange tsrange tstzrange daterange'
  ).split(' '),
);

export const isTextType = (name: string): boolean => textTypes.has(name);

/** Arrays of these Debezium leaves out, whatever `include.unknown.datatypes` says. */
const omittedElements: ReadonlySet<string> = new Set(
  'money name interval varbit xml point refcursor'.split(' '),
);

/** Types whose form depends on a mode. */
function byMode(name: string, { modifier, modes, moneyDigits }: Choice): ValueWriter | null {
  const { times } = modes;
  switch (name) {
    case 'numeric':
      return numericWriter(modifier, modes.decimals);
    case 'money':
      return moneyWriter(moneyDigits, modes.decimals);
    case 'date':
      return times === 'iso' ? writeDate : writeDays;
    case 'time':
      return times === 'iso' ? writeTime : clockWriter(modifier, times);
    case 'timestamp':
      return times === 'iso' ? writeTimestamp : timestampWriter(modifier, times);
    case 'timestamptz':
      return zonedTimestampWriter(modifier);
    case 'interval':
      return intervalWriter(modes.intervals);
    case 'bytea':
      return byteaWriter(modes.binary);
    case 'bit':
    case 'varbit':
      return bitsWriter(name, { modifier, modes });
    case 'hstore':
      return hstoreWriter(modes.hstore);
    case 'polygon':
      return polygonWriter(modes.shapes);
    default:
      return null;
  }
}

export interface Choice {
  /** `atttypmod`; -1 when the column has none. */
  readonly modifier: number;
  readonly modes: ValueModes;
  /** Decimal places of money. */
  readonly moneyDigits: number;
}

/** The writer for values of a type; null when they are left out, as `unknownTypes = omit` does with what Debezium does not know. */
export function valueWriter(type: PostgresType, choice: Choice): ValueWriter | null {
  const { type: root, modifier } = withoutDomains(type, choice.modifier);
  switch (root.tag) {
    case 'base':
      return baseWriter(root.name, { ...choice, modifier });
    case 'enum':
      return writeText;
    case 'array': {
      const element = elementWriter(root.element, { ...choice, modifier });
      if (element === null) return null;
      const bounds = choice.modes.shapes === 'exact' ? 'kept' : 'dropped';
      return arrayWriter(element, { delimiter: root.delimiter, bounds });
    }
    case 'composite': {
      if (choice.modes.unknownTypes !== 'text') return unknownWriter(choice.modes);
      const fields = root.fields.map(({ name, type: field, modifier: own }) => ({
        name,
        write: valueWriter(field, { ...choice, modifier: own }) ?? writeText,
      }));
      return compositeWriter(fields);
    }
  }
}

function baseWriter(name: string, choice: Choice): ValueWriter | null {
  const writer = fixed.get(name) ?? byMode(name, choice);
  if (writer) return writer;
  return textTypes.has(name) ? writeText : unknownWriter(choice.modes);
}

function elementWriter(element: PostgresType, choice: Choice): ValueWriter | null {
  if (choice.modes.unknownTypes === 'text') return valueWriter(element, choice);
  if (element.tag === 'base' && omittedElements.has(element.name)) return null;
  // Debezium knows no lists of domains, but that a domain over an enum is one.
  const isKnown = element.tag !== 'domain' || withoutDomains(element, -1).type.tag === 'enum';
  return isKnown ? valueWriter(element, choice) : unknownWriter(choice.modes);
}

function unknownWriter({ unknownTypes, binary }: ValueModes): ValueWriter | null {
  if (unknownTypes === 'text') return writeText;
  return unknownTypes === 'bytes' ? textAsBytesWriter(binary) : null;
}
