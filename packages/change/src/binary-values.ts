/** bytea and bit strings. https://www.postgresql.org/docs/18/datatype-binary.html */
import type { JsonWriter } from './json-writer.ts';
import { unrepresentable } from './unrepresentable.ts';
import type { ValueModes } from './value-modes.ts';
import { type ValueWriter, writeText } from './value-writer.ts';

/** How many bytes become text at once, so that a long value is not there several times: whole groups of base64. */
const pieceBytes = 3 * 16 * 1024;

const one = 0x31;
const quote = 0x22;
const jsonTrue = Buffer.from('true');
const jsonFalse = Buffer.from('false');

/** bytea as the session's `bytea_output = hex` writes it: `\x` and two digits a byte. */
export function byteaWriter(mode: ValueModes['binary']): ValueWriter {
  if (mode === 'hex') return (out, bytes, start, end) => out.string(bytes, start + 2, end);
  return (out, bytes, start, end) => {
    const digits = start + 2;
    const piece = (from: number, to: number) =>
      Buffer.from(bytes.toString('latin1', digits + 2 * from, digits + 2 * to), 'hex');
    writeInPieces(out, { length: (end - digits) / 2, piece, mode });
  };
}

/** The text of a type that is not known, as bytes. */
export function textAsBytesWriter(mode: ValueModes['binary']): ValueWriter {
  return (out, bytes, start, end) => writeBytes(out, bytes.subarray(start, end), mode);
}

/** Bytes as a JSON string in the form of `binary.handling.mode`; `bytes` is base64, as Connect's JSON has it. */
export function writeBytes(out: JsonWriter, bytes: Buffer, mode: ValueModes['binary']): void {
  const { length } = bytes;
  out.expect(encodedBytes(length, mode));
  writeInPieces(out, { length, piece: (from, to) => bytes.subarray(from, to), mode });
}

interface InPieces {
  /** Of the value, in bytes. */
  readonly length: number;
  readonly piece: (from: number, to: number) => Buffer;
  readonly mode: ValueModes['binary'];
}

function writeInPieces(out: JsonWriter, { length, piece, mode }: InPieces): void {
  out.byte(quote);
  for (let from = 0; from < length; from += pieceBytes)
    out.ascii(encode(piece(from, Math.min(length, from + pieceBytes)), mode));
  out.byte(quote);
}

function encode(bytes: Buffer, mode: ValueModes['binary']): string {
  if (mode === 'hex') return bytes.toString('hex');
  const text = bytes.toString('base64');
  return mode === 'base64-url-safe' ? text.replaceAll('+', '-').replaceAll('/', '_') : text;
}

/** With the quotes. */
function encodedBytes(length: number, mode: ValueModes['binary']): number {
  return 2 + (mode === 'hex' ? 2 * length : 4 * Math.ceil(length / 3));
}

const writeBit: ValueWriter = (out, bytes, start) => out.raw(bytes[start] === one ? jsonTrue : jsonFalse);

/** Little-endian, without the bytes that are zero at the end, as Debezium writes `io.debezium.data.Bits`. */
const writeBits: ValueWriter = (out, bytes, start, end) => {
  const little = Buffer.alloc(Math.ceil((end - start) / 8));
  let used = 0;
  for (let bit = 0; bit < end - start; bit += 1) {
    if (bytes[end - 1 - bit] !== one) continue;
    little[bit >> 3] = (little[bit >> 3] as number) | (1 << (bit & 7));
    used = (bit >> 3) + 1;
  }
  out.ascii(`"${little.toString('base64', 0, used)}"`);
};

/** A varbit(1) may be empty, which is neither true nor false. */
const writeSingle: ValueWriter = (out, bytes, start, end) =>
  start === end ? unrepresentable('an empty varbit(1)') : writeBit(out, bytes, start, end);

/** bit(1) is a boolean; so is varbit(1) in Debezium's form. */
export function isBoolean(type: 'bit' | 'varbit', length: number, mode: ValueModes['bits']): boolean {
  return length === 1 && (type === 'bit' || mode === 'bytes');
}

export function bitsWriter(
  type: 'bit' | 'varbit',
  { modifier, modes }: { readonly modifier: number; readonly modes: ValueModes },
): ValueWriter {
  if (isBoolean(type, modifier, modes.bits)) return writeSingle;
  return modes.bits === 'text' ? writeText : writeBits;
}
