/** Numbers as text, straight into bytes: of each record there are a dozen, and a text in between costs more than its digits. */

const billion = 1_000_000_000;

/** How many decimal digits a whole number has, from zero to `Number.MAX_SAFE_INTEGER`. */
export function digitsOf(value: number): number {
  if (value >= billion) return 9 + digitsOf(Math.floor(value / billion));
  let digits = 1;
  for (let limit = 10; limit <= value; limit *= 10) digits += 1;
  return digits;
}

/** The decimal digits of a whole number, from zero to `Number.MAX_SAFE_INTEGER`. Answers where they end. There must be room. */
export function putDigits(bytes: Buffer, at: number, value: number): number {
  const end = at + digitsOf(value);
  let last = end - 1;
  let rest = value;
  // Below a billion all is arithmetic of small integers.
  for (; rest >= billion; rest = Math.floor(rest / billion)) {
    let low = rest % billion;
    for (const stop = last - 9; last > stop; last -= 1) {
      const tens = (low / 10) | 0;
      bytes[last] = 0x30 + low - tens * 10;
      low = tens;
    }
  }
  for (; last >= at; last -= 1) {
    const tens = (rest / 10) | 0;
    bytes[last] = 0x30 + rest - tens * 10;
    rest = tens;
  }
  return end;
}

/** Sixteen hexadecimal digits, large letters, of a whole number from zero to `Number.MAX_SAFE_INTEGER`. Answers where they end. */
export function putHexDigits(bytes: Buffer, at: number, value: number): number {
  putEight(bytes, at, Math.floor(value / 0x1_0000_0000));
  putEight(bytes, at + 8, value % 0x1_0000_0000);
  return at + 16;
}

function putEight(bytes: Buffer, at: number, value: number): void {
  let rest = value | 0;
  for (let index = at + 7; index >= at; index -= 1) {
    const digit = rest & 15;
    bytes[index] = digit < 10 ? 0x30 + digit : 0x37 + digit;
    rest >>>= 4;
  }
}
