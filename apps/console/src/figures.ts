/** Numbers and times as people read them. */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const few = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const plural = new Intl.PluralRules('en');

export const count = (value: number): string => whole.format(value);

/** `1 leak`, `2,000 leaks` */
export function counted(value: number, noun: string, many = `${noun}s`): string {
  return `${whole.format(value)} ${plural.select(value) === 'one' ? noun : many}`;
}

/** `12 ms`, `3.4 s`, `5 min`, `2 h` */
export function duration(ms: number): string {
  if (ms < 1000) return `${whole.format(ms)} ms`;
  if (ms < 60_000) return `${few.format(ms / 1000)} s`;
  if (ms < 3_600_000) return `${few.format(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${few.format(ms / 3_600_000)} h` : `${whole.format(ms / 86_400_000)} d`;
}

/** `512 B`, `16 KiB`, `1.5 MiB` */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let size = value;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${size < 10 && unit > 0 ? few.format(size) : whole.format(size)} ${units[unit]}`;
}

/** Three decimals are what the server rounds down to: 99.9996 is not 100. */
export const percent = (value: number): string => `${value} %`;

/** Time of day to the millisecond, in the reader's zone: `12:03:04.567`. Of an ISO time, or of seconds since 1970. */
export function clock(when: string | number): string {
  const at = new Date(typeof when === 'number' ? when * 1000 : when);
  const two = (value: number): string => String(value).padStart(2, '0');
  const ms = String(at.getMilliseconds()).padStart(3, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${ms}`;
}

const dayFormat = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', year: 'numeric' });

/** `21 Nov 2026`, in the reader's zone. */
export const day = (iso: string): string => {
  const parts = new Map(dayFormat.formatToParts(new Date(iso)).map(({ type, value }) => [type, value]));
  return `${parts.get('day')} ${parts.get('month')} ${parts.get('year')}`;
};
