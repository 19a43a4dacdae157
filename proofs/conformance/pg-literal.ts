/** A JSON value as we publish it, by the forms of its side, as the text that Postgres would read for its type. */
import { parseLossless, stringifyLossless } from '@diptych/runtime/json';
import { decimalLiteral } from './decimal-literal.ts';
import { epochLiteral } from './epoch-literal.ts';
import { exactForms, type Forms } from './forms.ts';
import { geometryLiteral } from './geometry-literal.ts';
import { isObject } from './observed.ts';

const specials: Readonly<Record<string, string>> = {
  NAN: 'NaN',
  POSITIVE_INFINITY: 'Infinity',
  NEGATIVE_INFINITY: '-Infinity',
};

/** The literal; null for SQL's null. */
export function pgLiteral(value: unknown, type: string, forms: Forms = exactForms): string | null {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value) && /\b(vector|halfvec)(\(\d+\))?$/.test(type))
    return `[${value.map((one) => pgLiteral(one, '', forms)).join(',')}]`;
  if (Array.isArray(value)) return arrayLiteral(value, { elementType: type.replace(/\[\]$/, ''), forms });
  const decimal = forms.decimals === 'precise' ? decimalLiteral(value, type) : undefined;
  if (decimal !== undefined) return decimal;
  if (isObject(value)) return objectLiteral(value, type, forms);
  if (typeof value === 'boolean' && /^bit\b/.test(type)) return value ? '1' : '0';
  if (typeof value === 'string') return textLiteral(value, type, forms);
  // JSON.stringify forgets the sign of zero.
  if (Object.is(value, -0)) return '-0';
  const isCount = typeof value === 'number' || typeof value === 'bigint';
  if (isCount && /^interval/.test(type)) return `${value} microseconds`;
  const epoch = isCount ? epochLiteral(value, { type, times: forms.times }) : undefined;
  return epoch ?? stringifyLossless(value);
}

function textLiteral(value: string, type: string, forms: Forms): string {
  const base = type.replace(/\(.*\)|\[\]/g, '').trim();
  if (base === 'numeric') return specials[value] ?? value;
  if (base === 'bytea') return `\\x${bytesOf(value, forms.binary).toString('hex')}`;
  if (base === 'bit' || base === 'bit varying') return bitLiteral(value, { type, forms });
  if (/^(date|timestamp)/.test(base)) return timeLiteral(value);
  if (/\bhstore$/.test(base) && forms.hstore === 'json') {
    const pairs = parseLossless(value);
    return isObject(pairs) ? objectLiteral(pairs, type, forms) : value;
  }
  return value;
}

/** Node reads both alphabets of base64. */
export function bytesOf(value: string, form: Forms['binary']): Buffer {
  return Buffer.from(value, form === 'hex' ? 'hex' : 'base64');
}

function arrayLiteral(
  values: readonly unknown[],
  { elementType, forms }: { elementType: string; forms: Forms },
): string {
  const elements = values.map((value) => {
    const literal = pgLiteral(value, elementType, forms);
    if (literal === null) return 'NULL';
    return literal.startsWith('{') && Array.isArray(value)
      ? literal
      : `"${literal.replace(/["\\]/g, '\\$&')}"`;
  });
  return `{${elements.join(delimiterOf(elementType))}}`;
}

/** https://www.postgresql.org/docs/18/arrays.html#ARRAYS-IO: of box alone, and of PostGIS's types. */
function delimiterOf(elementType: string): string {
  if (elementType === 'box') return ';';
  return /\b(geometry|geography)\b/.test(elementType) ? ':' : ',';
}

/** Geometry, hstore's map, or a composite's fields. */
function objectLiteral(value: Record<string, unknown>, type: string, forms: Forms): string {
  const geometry = geometryLiteral(value, type);
  if (geometry !== undefined) return geometry;
  if (Array.isArray(value.vector)) {
    const elements = value.vector.map((pair) =>
      Array.isArray(pair) ? pair.map(stringifyLossless).join(':') : '',
    );
    return `{${elements.join(',')}}/${stringifyLossless(value.dimensions)}`;
  }
  if (typeof value.wkb === 'string') return Buffer.from(value.wkb, 'base64').toString('hex').toUpperCase();
  const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`;
  const fields = Object.entries(value).map(([name, part]) => ({ name, text: pgLiteral(part, '', forms) }));
  if (!/hstore$/.test(type))
    return `(${fields.map(({ text }) => (text === null ? '' : quoted(text))).join(',')})`;
  return fields
    .map(({ name, text }) => `${quoted(name)}=>${text === null ? 'NULL' : quoted(text)}`)
    .join(', ');
}

/** Bits as their digits, or as Debezium writes them: bytes, the lowest first. */
function bitLiteral(value: string, { type, forms }: { type: string; forms: Forms }): string {
  if (forms.bits === 'text') return value;
  const digits = [...Buffer.from(value, 'base64')]
    .reverse()
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('');
  const length = Number(/\((\d+)\)/.exec(type)?.[1] ?? digits.length);
  return digits.slice(-length).padStart(length, '0');
}

/** ISO 8601 counts years through zero, with a sign beyond four digits; Postgres writes BC. */
function timeLiteral(value: string): string {
  const [, sign = '', year = '', rest = ''] = /^([+-]?)(\d{4,})(-.*)$/.exec(value) ?? [];
  if (year === '') return value;
  const count = Number(year);
  if (sign === '-' || count === 0) return `${String(count + 1).padStart(4, '0')}${rest} BC`;
  return `${year}${rest}`;
}
