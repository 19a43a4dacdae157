/** A JSON value as we publish it in the exact mode, as the text that Postgres would read for its type. */
import { stringifyLossless } from '@diptych/runtime/json';
import { geometryLiteral } from './geometry-literal.ts';
import { isObject } from './observed.ts';

const specials: Readonly<Record<string, string>> = {
  NAN: 'NaN',
  POSITIVE_INFINITY: 'Infinity',
  NEGATIVE_INFINITY: '-Infinity',
};

/** The literal; null for SQL's null. */
export function pgLiteral(value: unknown, type: string): string | null {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value) && /\b(vector|halfvec)$/.test(type))
    return `[${value.map(stringifyLossless).join(',')}]`;
  if (Array.isArray(value)) return arrayLiteral(value, type.replace(/\[\]$/, ''));
  if (isObject(value)) return objectLiteral(value, type);
  if (typeof value === 'boolean' && type === 'bit(1)') return value ? '1' : '0';
  // JSON.stringify forgets the sign of zero.
  if (Object.is(value, -0)) return '-0';
  if (typeof value !== 'string') return stringifyLossless(value);
  const base = type.replace(/\(.*\)|\[\]/g, '').trim();
  if (base === 'numeric') return specials[value] ?? value;
  if (base === 'bytea') return `\\x${Buffer.from(value, 'base64').toString('hex')}`;
  if (base === 'bit' || base === 'bit varying') return bitLiteral(value, type);
  if (/^(date|timestamp)/.test(base)) return timeLiteral(value);
  return value;
}

function arrayLiteral(values: readonly unknown[], elementType: string): string {
  const elements = values.map((value) => {
    const literal = pgLiteral(value, elementType);
    if (literal === null) return 'NULL';
    return Array.isArray(value) ? literal : `"${literal.replace(/["\\]/g, '\\$&')}"`;
  });
  // https://www.postgresql.org/docs/18/arrays.html#ARRAYS-IO: of box alone
  return `{${elements.join(elementType === 'box' ? ';' : ',')}}`;
}

/** Geometry, hstore's map, or a composite's fields. */
function objectLiteral(value: Record<string, unknown>, type: string): string {
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
  const fields = Object.entries(value).map(([name, part]) => ({ name, text: pgLiteral(part, '') }));
  if (!/hstore$/.test(type))
    return `(${fields.map(({ text }) => (text === null ? '' : quoted(text))).join(',')})`;
  return fields
    .map(({ name, text }) => `${quoted(name)}=>${text === null ? 'NULL' : quoted(text)}`)
    .join(', ');
}

/** Bits as their digits, or as Debezium writes them: bytes, the lowest first. */
function bitLiteral(value: string, type: string): string {
  if (/^[01]*$/.test(value)) return value;
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
