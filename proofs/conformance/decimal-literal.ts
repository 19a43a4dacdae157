/** Connect's Decimal and Debezium's VariableScaleDecimal, back as the digits that Postgres reads. */
import { isObject } from './observed.ts';

/** Of the locale in which the harness makes its databases. */
const moneyScale = 2;

/** The literal of a numeric or money in `precise` form; undefined for any other type or form. */
export function decimalLiteral(value: unknown, type: string): string | undefined {
  if (isObject(value) && typeof value.value === 'string' && /^numeric$/.test(type)) {
    return digits(value.value, Number(value.scale));
  }
  if (typeof value !== 'string') return undefined;
  const [, scale = '0'] = /^numeric\(\d+(?:,(-?\d+))?\)/.exec(type) ?? [];
  if (/^numeric\(/.test(type)) return digits(value, Number(scale));
  return type === 'money' ? digits(value, moneyScale) : undefined;
}

/** `unscaled`: two's complement, big-endian, in base64. */
function digits(unscaled: string, scale: number): string {
  const bytes = Buffer.from(unscaled, 'base64');
  const number = BigInt.asIntN(8 * bytes.length, BigInt(`0x${bytes.toString('hex') || '0'}`));
  if (scale <= 0) return String(number * 10n ** BigInt(-scale));
  const sign = number < 0n ? '-' : '';
  const text = String(number < 0n ? -number : number).padStart(scale + 1, '0');
  return `${sign}${text.slice(0, -scale)}.${text.slice(-scale)}`;
}
