/**
 * Dates and times as numbers since 1970, in the units that Debezium's `time.precision.mode` chooses: days, ms, µs or ns.
 * The calendar is the proleptic Gregorian one, as PostgreSQL's and Java's are.
 */
import { dayOf, isBeforeChrist, isDigit } from './time-values.ts';
import { unrepresentable } from './unrepresentable.ts';
import type { ValueModes } from './value-modes.ts';
import type { ValueWriter } from './value-writer.ts';

type EpochMode = Exclude<ValueModes['times'], 'iso'>;
type Unit = 'ms' | 'us' | 'ns';

const space = 0x20;
const minus = 0x2d;
const zero = 0x30;
const dayUs = 86_400_000_000n;

/** What Debezium sends for infinite dates, seen in its records (`npm run conformance -- --case C-38b`). */
const infiniteDay = daysOf(5_877_611, 6, 21);
const minusInfiniteDay = daysOf(-5_877_611, 6, 22);

/** pgjdbc's sentinels in ms: `PGStatement.DATE_POSITIVE_INFINITY`, `DATE_NEGATIVE_INFINITY`. In finer units they are the ends of int64. */
const infinityMs = 9_223_372_036_825_200_000n;
const minusInfinityMs = -9_223_372_036_832_400_000n;

const int64Max = 9_223_372_036_854_775_807n;

/** date: days. */
export const writeDays: ValueWriter = (out, bytes, start, end) => {
  if (isDigit(bytes[start])) return out.ascii(String(dayAt(bytes, start, end)));
  out.ascii(String(bytes[start] === minus ? minusInfiniteDay : infiniteDay));
};

/** time: of the day. `24:00:00` is the whole day. */
export function clockWriter(modifier: number, mode: EpochMode): ValueWriter {
  const unit = mode === 'adaptive_time_microseconds' ? 'us' : unitOf(modifier, mode);
  return (out, bytes, start, end) => {
    const us = clockUs(bytes, start, end);
    out.ascii(unit === 'us' ? String(us) : unit === 'ms' ? String(Math.floor(us / 1000)) : String(us * 1000));
  };
}

/** timestamp. */
export function timestampWriter(modifier: number, mode: EpochMode): ValueWriter {
  const unit = unitOf(modifier, mode);
  return (out, bytes, start, end) => {
    if (isDigit(bytes[start])) return out.ascii(inUnit(timestampUs(bytes, start, end), unit));
    const isNegative = bytes[start] === minus;
    if (unit === 'ms') return out.ascii(String(isNegative ? minusInfinityMs : infinityMs));
    out.ascii(String(isNegative ? -int64Max - 1n : int64Max));
  };
}

/** Without a modifier the precision is 6. */
function unitOf(modifier: number, mode: EpochMode): Unit {
  if (mode === 'connect') return 'ms';
  if (mode === 'microseconds') return 'us';
  if (mode === 'nanoseconds') return 'ns';
  return modifier >= 0 && modifier <= 3 ? 'ms' : 'us';
}

function inUnit(us: bigint, unit: Unit): string {
  if (unit === 'us') {
    if (us > int64Max) unrepresentable('a timestamp beyond the year 294247 with times in microseconds');
    return String(us);
  }
  if (unit === 'ms') return String((us - (((us % 1000n) + 1000n) % 1000n)) / 1000n);
  const ns = us * 1000n;
  if (ns > int64Max || ns < -int64Max)
    unrepresentable('a timestamp beyond 1677 to 2262 with times = nanoseconds');
  return String(ns);
}

function timestampUs(bytes: Buffer, start: number, end: number): bigint {
  const gap = bytes.indexOf(space, start);
  const isBefore = isBeforeChrist(bytes, end);
  const { year, month, day } = dayOf(bytes, start, gap);
  const days = daysOf(isBefore ? 1 - year : year, month, day);
  return BigInt(days) * dayUs + BigInt(clockUs(bytes, gap + 1, isBefore ? end - 3 : end));
}

function dayAt(bytes: Buffer, start: number, end: number): number {
  const isBefore = isBeforeChrist(bytes, end);
  const { year, month, day } = dayOf(bytes, start, isBefore ? end - 3 : end);
  return daysOf(isBefore ? 1 - year : year, month, day);
}

/** `13:51:30.123456` in µs. */
function clockUs(bytes: Buffer, start: number, end: number): number {
  const two = (at: number) => 10 * ((bytes[at] as number) - zero) + ((bytes[at + 1] as number) - zero);
  let us = 0;
  let unit = 100_000;
  for (let at = start + 9; at < end; at += 1) {
    us += unit * ((bytes[at] as number) - zero);
    unit /= 10;
  }
  return (two(start) * 3600 + two(start + 3) * 60 + two(start + 6)) * 1_000_000 + us;
}

/** Days since 1970 of a date whose year 0 is 1 BC: http://howardhinnant.github.io/date_algorithms.html#days_from_civil */
function daysOf(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
