/** Numbers of days, ms, µs or ns, back as the dates and times that Postgres reads. */
import type { Forms } from './forms.ts';

const dayUs = 86_400_000_000n;
/** What stands for infinite dates and timestamps: docs/change-events.md. */
const infinities: ReadonlyMap<bigint, string> = new Map([
  [2_146_033_979n, 'infinity'],
  [-2_147_472_691n, '-infinity'],
  [9_223_372_036_825_200_000n, 'infinity'],
  [-9_223_372_036_832_400_000n, '-infinity'],
  [9_223_372_036_854_775_807n, 'infinity'],
  [-9_223_372_036_854_775_808n, '-infinity'],
]);

/** The literal of a number that stands for a date, a time or a timestamp; undefined for any other type. */
export function epochLiteral(
  value: number | bigint,
  { type, times }: { type: string; times: Forms['times'] },
): string | undefined {
  if (!/^(date|timestamp|time)\b/.test(type) || / with time zone/.test(type)) return undefined;
  const count = BigInt(value);
  if (type === 'date') return infinities.get(count) ?? dateText(count);
  const precision = Number(/^time(?:stamp)?\((\d)\)/.exec(type)?.[1] ?? 6);
  const isClock = /^time\b/.test(type);
  const infinite = isClock ? undefined : infinities.get(count);
  if (infinite !== undefined) return infinite;
  const us = inMicroseconds(count, unitOf(times, { precision, isClock }));
  if (isClock) return clockText(us);
  const day = floorDivide(us, dayUs);
  const [date = '', era = ''] = dateText(day).split(' ');
  return `${date} ${clockText(us - day * dayUs)}${era === '' ? '' : ` ${era}`}`;
}

function unitOf(
  times: Forms['times'],
  { precision, isClock }: { precision: number; isClock: boolean },
): 'ms' | 'us' | 'ns' {
  if (times === 'connect') return 'ms';
  if (times === 'nanoseconds') return 'ns';
  if (times === 'microseconds' || (times === 'adaptive_time_microseconds' && isClock)) return 'us';
  return precision <= 3 ? 'ms' : 'us';
}

function inMicroseconds(count: bigint, unit: 'ms' | 'us' | 'ns'): bigint {
  if (unit === 'ms') return count * 1000n;
  return unit === 'us' ? count : count / 1000n;
}

function floorDivide(one: bigint, other: bigint): bigint {
  return (one - (((one % other) + other) % other)) / other;
}

function clockText(us: bigint): string {
  const seconds = Number(us / 1_000_000n);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const clock = parts.map((part) => String(part).padStart(2, '0')).join(':');
  return `${clock}.${String(us % 1_000_000n).padStart(6, '0')}`;
}

/** Of days since 1970: http://howardhinnant.github.io/date_algorithms.html#civil_from_days */
function dateText(daysSince1970: bigint): string {
  const days = Number(daysSince1970) + 719_468;
  const era = Math.floor(days / 146_097);
  const dayOfEra = days - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1;
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const two = (part: number) => String(part).padStart(2, '0');
  const text = `${String(year > 0 ? year : 1 - year).padStart(4, '0')}-${two(month)}-${two(day)}`;
  return year > 0 ? text : `${text} BC`;
}
