/**
 * Dates and times as ISO 8601, in the form of Debezium's `time.precision.mode=isostring` (java.time's ISO_OFFSET_*):
 * `2016-11-04Z`, `13:51:30Z`, `2016-11-04T13:51:30.123456Z`. Years beyond 9999 have a sign (`+21016`), and the year
 * before 1 AD is 0 (ISO 8601, section 4.3.2). Unlike Debezium, nothing is cut: 24:00:00 stays, an offset stays.
 * https://www.postgresql.org/docs/18/datatype-datetime.html#DATATYPE-DATETIME-OUTPUT
 */
import type { JsonWriter } from './json-writer.ts';

const quote = 0x22;
const minus = 0x2d;
const plus = 0x2b;
const colon = 0x3a;
const space = 0x20;
const zero = 0x30;

/** date: `2016-11-04`, `0044-03-15 BC`, `infinity`. */
export function writeDate(out: JsonWriter, bytes: Buffer, start: number, end: number): void {
  if (!isDigit(bytes[start])) return out.string(bytes, start, end);
  const before = isBeforeChrist(bytes, end);
  out.byte(quote);
  writeDay(out, { bytes, start, end: before ? end - 3 : end, before });
  out.ascii('Z"');
}

/** time and timetz: `13:51:30.123456`, `13:51:30+02`. */
export function writeTime(out: JsonWriter, bytes: Buffer, start: number, end: number): void {
  out.byte(quote);
  writeClock(out, bytes, start, end);
  out.byte(quote);
}

/** timestamp and timestamptz: `2016-11-04 13:51:30.123456`, `… 13:51:30+00`, `… BC`, `-infinity`. */
export function writeTimestamp(out: JsonWriter, bytes: Buffer, start: number, end: number): void {
  if (!isDigit(bytes[start])) return out.string(bytes, start, end);
  const before = isBeforeChrist(bytes, end);
  const gap = bytes.indexOf(space, start);
  out.byte(quote);
  writeDay(out, { bytes, start, end: gap, before });
  out.ascii('T');
  writeClock(out, bytes, gap + 1, before ? end - 3 : end);
  out.byte(quote);
}

interface Day {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly before: boolean;
}

/** `YYYY-MM-DD`, the year with four to six digits. */
function writeDay(out: JsonWriter, { bytes, start, end, before }: Day): void {
  const yearEnd = bytes.indexOf(minus, start);
  if (before) {
    let year = 0;
    for (let at = start; at < yearEnd; at += 1) year = year * 10 + ((bytes[at] as number) - zero);
    out.ascii(year === 1 ? '0000' : `-${String(year - 1).padStart(4, '0')}`);
    out.raw(bytes, yearEnd, end);
    return;
  }
  if (yearEnd - start > 4) out.byte(plus);
  out.raw(bytes, start, end);
}

/** The time of day and its offset: none and `+00` are `Z`, `+02` becomes `+02:00`. */
function writeClock(out: JsonWriter, bytes: Buffer, start: number, end: number): void {
  let sign = start;
  while (sign < end && bytes[sign] !== plus && bytes[sign] !== minus) sign += 1;
  out.raw(bytes, start, sign);
  const isUtc = end - sign === 3 && bytes[sign + 1] === zero && bytes[sign + 2] === zero;
  if (sign === end || isUtc) {
    out.ascii('Z');
    return;
  }
  out.raw(bytes, sign, end);
  if (bytes[sign + 3] !== colon) out.ascii(':00');
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= 0x39;
}

/** ` BC` ends the text. */
function isBeforeChrist(bytes: Buffer, end: number): boolean {
  return bytes[end - 1] === 0x43 && bytes[end - 2] === 0x42;
}
