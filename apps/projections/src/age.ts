const secondsOf = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/** How old: `90s`, `30m`, `12h`, `7d`. */
export const agePattern = '^[0-9]{1,6}[smhd]$';

/** An age of the pattern, in milliseconds. */
export function ageMs(text: string): number {
  const unit = text.at(-1) as keyof typeof secondsOf;
  return Number(text.slice(0, -1)) * secondsOf[unit] * 1_000;
}
