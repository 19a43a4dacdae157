/** numeric and money. https://www.postgresql.org/docs/18/datatype-numeric.html#DATATYPE-NUMERIC-DECIMAL */
import { unrepresentable } from './unrepresentable.ts';
import type { ValueModes } from './value-modes.ts';
import type { ValueWriter } from './value-writer.ts';

const nine = 0x39;
const zero = 0x30;
const minus = 0x2d;
const parenthesis = 0x28;

/** NaN and the infinities under the names that Debezium's `decimal.handling.mode=string` gives them. */
const specialNames: ReadonlyMap<string, Buffer> = new Map([
  ['NaN', Buffer.from('"NAN"')],
  ['Infinity', Buffer.from('"POSITIVE_INFINITY"')],
  ['-Infinity', Buffer.from('"NEGATIVE_INFINITY"')],
]);

const writeString: ValueWriter = (out, bytes, start, end) => {
  const special = isSpecial(bytes, end) ? specialNames.get(bytes.toString('latin1', start, end)) : undefined;
  if (special) out.raw(special);
  else out.string(bytes, start, end);
};

/** All digits, as a JSON number: who reads them into a double rounds, not we. */
const writeNumber: ValueWriter = (out, bytes, start, end) =>
  isSpecial(bytes, end) ? out.string(bytes, start, end) : out.raw(bytes, start, end);

/** Debezium's VariableScaleDecimal: `{scale, value}`, trailing zeros given up. */
const writeVariableScale: ValueWriter = (out, bytes, start, end) => {
  const text = digitsOf(bytes, start, end);
  const point = text.indexOf('.');
  let last = text.length;
  if (point >= 0) {
    while (text[last - 1] === '0') last -= 1;
    if (last === point + 1) last = point;
  }
  const scale = point < 0 || last <= point ? 0 : last - point - 1;
  out.ascii(`{"scale":${scale},"value":"${unscaled(text.slice(0, last), scale)}"}`);
};

export function numericWriter(modifier: number, mode: ValueModes['decimals']): ValueWriter {
  if (mode === 'string') return writeString;
  if (mode === 'double') return writeNumber;
  const scale = scaleOf(modifier);
  if (scale === null) return writeVariableScale;
  return (out, bytes, start, end) => out.ascii(`"${unscaled(digitsOf(bytes, start, end), scale)}"`);
}

/** Scale of a `numeric(p, s)`, null when it has none: 11 bits, signed. Precision stands above it. */
export function scaleOf(modifier: number): number | null {
  return modifier < 4 ? null : (((modifier - 4) & 0x7ff) ^ 0x400) - 0x400;
}

export const precisionOf = (modifier: number): number => (modifier < 4 ? 0 : ((modifier - 4) >> 16) & 0xffff);

/**
 * money: an integer of the smallest unit, shown as the server's locale has it. Its digits are those of the integer, and
 * `digits` of them stand behind the decimal point.
 */
export function moneyWriter(digits: number, mode: ValueModes['decimals']): ValueWriter {
  return (out, bytes, start, end) => {
    let isNegative = false;
    let units = '';
    for (let at = start; at < end; at += 1) {
      const byte = bytes[at] as number;
      if (byte >= zero && byte <= nine) units += String.fromCharCode(byte);
      else if (byte === minus || byte === parenthesis) isNegative = true;
    }
    const sign = isNegative ? '-' : '';
    if (mode === 'precise') return out.ascii(`"${base64Of(BigInt(sign + units))}"`);
    const padded = units.padStart(digits + 1, '0');
    const whole = padded.slice(0, padded.length - digits).replace(/^0+(?=\d)/, '');
    const text = sign + (digits === 0 ? whole : `${whole}.${padded.slice(-digits)}`);
    out.ascii(mode === 'double' ? text : `"${text}"`);
  };
}

function isSpecial(bytes: Buffer, end: number): boolean {
  return (bytes[end - 1] as number) > nine;
}

function digitsOf(bytes: Buffer, start: number, end: number): string {
  if (isSpecial(bytes, end)) unrepresentable('NaN or an infinity with decimals = precise');
  return bytes.toString('latin1', start, end);
}

/** The digits without the point, `scale` of them behind it, as Connect's Decimal writes them. */
function unscaled(text: string, scale: number): string {
  const [whole = '', fraction = ''] = text.split('.');
  if (scale < 0) return base64Of(BigInt(whole) / 10n ** BigInt(-scale));
  return base64Of(BigInt(whole + fraction.padEnd(scale, '0')));
}

/** Two's complement, big-endian, in as few bytes as it takes: Java's `BigInteger.toByteArray`. */
function base64Of(value: bigint): string {
  const magnitude = value < 0n ? -value - 1n : value;
  const digits = magnitude.toString(16);
  // One more bit than the magnitude has, for the sign.
  const bytes = Math.floor(bitLength(digits) / 8) + 1;
  const unsigned = value < 0n ? (1n << BigInt(8 * bytes)) + value : value;
  return Buffer.from(unsigned.toString(16).padStart(2 * bytes, '0'), 'hex').toString('base64');
}

function bitLength(hex: string): number {
  const first = Number.parseInt(hex[0] ?? '0', 16);
  return 4 * (hex.length - 1) + (first === 0 ? 0 : 32 - Math.clz32(first));
}
