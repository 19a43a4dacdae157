/**
 * Dates and times as ISO 8601, in the form of Debezium's `time.precision.mode=isostring` (java.time's ISO_OFFSET_*):
 * `2016-11-04Z`, `13:51:30Z`, `2016-11-04T13:51:30.123456Z`. Years beyond 9999 have a sign (`+21016`), and the year
 * before 1 AD is 0 (ISO 8601, section 4.3.2). Unlike there, 24:00:00 stays and infinity is called so.
 * https://www.postgresql.org/docs/18/datatype-datetime.html#DATATYPE-DATETIME-OUTPUT
 */
import type { JsonWriter } from './json-writer.ts';
import type { ValueWriter } from './value-writer.ts';

const quote = 0x22;
const minus = 0x2d;
const plus = 0x2b;
const colon = 0x3a;
const space = 0x20;
const zero = 0x30;
const point = 0x2e;
const daySeconds = 86_400;

/** `13:51:30`: what stands before the fraction. */
const clockLength = 8;

/** date: `2016-11-04`, `0044-03-15 BC`, `infinity`. */
export const writeDate: ValueWriter = (out, bytes, start, end) => {
  if (!isDigit(bytes[start])) return out.string(bytes, start, end);
  const before = isBeforeChrist(bytes, end);
  out.byte(quote);
  writeDay(out, { bytes, start, end: before ? end - 3 : end, before });
  out.ascii('Z"');
};

/** time: `13:51:30.123456`. */
export const writeTime: ValueWriter = (out, bytes, start, end) => {
  out.byte(quote);
  out.raw(bytes, start, end);
  out.ascii('Z"');
};

/** timetz, `13:51:30.123456+02`, moved to UTC. */
export const writeZonedTime: ValueWriter = (out, bytes, start, end) => {
  let sign = start + clockLength;
  while (bytes[sign] !== plus && bytes[sign] !== minus) sign += 1;
  const offset = secondsOf(bytes, sign + 1, end) * (bytes[sign] === minus ? -1 : 1);
  out.byte(quote);
  if (offset === 0) out.raw(bytes, start, sign);
  else {
    const seconds = secondsOf(bytes, start, start + clockLength) - offset;
    writeSeconds(out, ((seconds % daySeconds) + daySeconds) % daySeconds);
    out.raw(bytes, start + clockLength, sign);
  }
  out.ascii('Z"');
};

/** timestamp: `2016-11-04 13:51:30.123456`, `… BC`, `-infinity`. */
export const writeTimestamp: ValueWriter = (out, bytes, start, end) =>
  writeMoment(out, { bytes, start, end, fraction: 0 });

/**
 * timestamptz: `2016-11-04 13:51:30.1+00`, `… BC`, `infinity`, with as many digits of a second as the column has, which
 * is what Debezium writes in all of its modes.
 */
export function zonedTimestampWriter(modifier: number): ValueWriter {
  const fraction = modifier === -1 ? 6 : modifier;
  return (out, bytes, start, end) => writeMoment(out, { bytes, start, end, fraction });
}

interface Moment {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** The least number of digits of a second. */
  readonly fraction: number;
}

function writeMoment(out: JsonWriter, { bytes, start, end, fraction }: Moment): void {
  if (!isDigit(bytes[start])) return out.string(bytes, start, end);
  const before = isBeforeChrist(bytes, end);
  let gap = start;
  while (gap < end && bytes[gap] !== space) gap += 1;
  out.byte(quote);
  writeDay(out, { bytes, start, end: gap, before });
  out.ascii('T');
  writeClock(out, { bytes, start: gap + 1, end: before ? end - 3 : end, fraction });
  out.byte(quote);
}

interface Day {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly before: boolean;
}

/** `YYYY-MM-DD`, the year with four to seven digits. */
function writeDay(out: JsonWriter, { bytes, start, end, before }: Day): void {
  let yearEnd = start;
  while (yearEnd < end && bytes[yearEnd] !== minus) yearEnd += 1;
  if (before) {
    const year = numberOf(bytes, start, yearEnd);
    out.ascii(year === 1 ? '0000' : `-${String(year - 1).padStart(4, '0')}`);
    out.raw(bytes, yearEnd, end);
    return;
  }
  if (yearEnd - start > 4) out.byte(plus);
  out.raw(bytes, start, end);
}

/** The time of day and its offset: none and `+00` are `Z`, `+02` becomes `+02:00`. */
function writeClock(out: JsonWriter, { bytes, start, end, fraction }: Moment): void {
  let sign = start;
  while (sign < end && bytes[sign] !== plus && bytes[sign] !== minus) sign += 1;
  out.raw(bytes, start, sign);
  const written = Math.max(0, sign - start - clockLength - 1);
  if (written < fraction) {
    if (written === 0) out.byte(point);
    for (let missing = fraction - written; missing > 0; missing -= 1) out.byte(zero);
  }
  const isUtc = end - sign === 3 && bytes[sign + 1] === zero && bytes[sign + 2] === zero;
  if (sign === end || isUtc) {
    out.ascii('Z');
    return;
  }
  out.raw(bytes, sign, end);
  if (bytes[sign + 3] !== colon) out.ascii(':00');
}

/** `13:51:30`, `02:30`, `02` in seconds. */
function secondsOf(bytes: Buffer, start: number, end: number): number {
  let seconds = 0;
  let unit = 3600;
  for (let at = start; at < end; at += 3) {
    seconds += unit * numberOf(bytes, at, at + 2);
    unit /= 60;
  }
  return seconds;
}

function writeSeconds(out: JsonWriter, seconds: number): void {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  out.ascii(parts.map((part) => String(part).padStart(2, '0')).join(':'));
}

/** The date that `YYYY-MM-DD` names; its year is one of its era. */
export function dayOf(
  bytes: Buffer,
  start: number,
  end: number,
): { readonly year: number; readonly month: number; readonly day: number } {
  return {
    year: numberOf(bytes, start, end - 6),
    month: numberOf(bytes, end - 5, end - 3),
    day: numberOf(bytes, end - 2, end),
  };
}

function numberOf(bytes: Buffer, start: number, end: number): number {
  let number = 0;
  for (let at = start; at < end; at += 1) number = number * 10 + ((bytes[at] as number) - zero);
  return number;
}

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= 0x39;
}

/** ` BC` ends the text. */
export function isBeforeChrist(bytes: Buffer, end: number): boolean {
  return bytes[end - 1] === 0x43 && bytes[end - 2] === 0x42;
}
