/**
 * Intervals, as the session's `intervalstyle = iso_8601` writes them: `P1Y2M3DT4H5M6.78S`, `PT0S`, `P-1Y`, parts that are
 * zero left out. https://www.postgresql.org/docs/18/datatype-datetime.html#DATATYPE-INTERVAL-OUTPUT
 */
import { unrepresentable } from './unrepresentable.ts';
import type { ValueModes } from './value-modes.ts';
import { type ValueWriter, writeText } from './value-writer.ts';

const pattern = /^P(?:(-?\d+)Y)?(?:(-?\d+)M)?(?:(-?\d+)D)?(?:T(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?[\d.]+)S)?)?$/;

/** A month is the twelfth of 365.25 days: `MicroDuration.DAYS_PER_MONTH_AVG`. */
const monthUs = 2_629_800_000_000n;
const dayUs = 86_400_000_000n;
const int64Max = 9_223_372_036_854_775_807n;

/** All six parts, as Debezium's `interval.handling.mode=string` has them: `P0Y0M0DT0H0M0S`. */
const writeString: ValueWriter = (out, bytes, start, end) => {
  const parts = partsOf(bytes, start, end);
  if (parts === null) return writeText(out, bytes, start, end);
  const [years, months, days, hours, minutes, seconds] = parts;
  out.ascii(`"P${years}Y${months}M${days}DT${hours}H${minutes}M${seconds}S"`);
};

/** µs, a month counted as 30.4375 days: exact, where Debezium's own sum goes through a double. */
const writeMicroseconds: ValueWriter = (out, bytes, start, end) => {
  const parts = partsOf(bytes, start, end);
  if (parts === null) return unrepresentable('an infinite interval with intervals = numeric');
  const [years, months, days, hours, minutes, seconds] = parts;
  const [whole = '', fraction = ''] = seconds.split('.');
  const secondsUs = BigInt(whole + fraction.padEnd(6, '0'));
  const clockUs = (BigInt(hours) * 60n + BigInt(minutes)) * 60_000_000n + secondsUs;
  const us = (BigInt(years) * 12n + BigInt(months)) * monthUs + BigInt(days) * dayUs + clockUs;
  if (us > int64Max || us < -int64Max - 1n) {
    unrepresentable('an interval of more than 2^63 µs with intervals = numeric');
  }
  out.ascii(String(us));
};

export function intervalWriter(mode: ValueModes['intervals']): ValueWriter {
  return mode === 'string' ? writeString : writeMicroseconds;
}

type Parts = readonly [string, string, string, string, string, string];

/** Null for `infinity` and `-infinity`. */
function partsOf(bytes: Buffer, start: number, end: number): Parts | null {
  const match = pattern.exec(bytes.toString('latin1', start, end));
  if (!match) return null;
  const [, years = '0', months = '0', days = '0', hours = '0', minutes = '0', seconds = '0'] = match;
  return [years, months, days, hours, minutes, seconds];
}
