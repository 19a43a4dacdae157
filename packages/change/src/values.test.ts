import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonWriter } from './json-writer.ts';
import { TypeCatalogue } from './type-catalogue.ts';
import { exactModes } from './value-modes.ts';
import { valueWriter } from './values.ts';

const oids = {
  bool: 16,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  oid: 26,
  json: 114,
  float4: 700,
  float8: 701,
  date: 1082,
  time: 1083,
  timestamp: 1114,
  timestamptz: 1184,
  timetz: 1266,
  numeric: 1700,
  uuid: 2950,
  jsonb: 3802,
} as const;

/** The JSON of a column's text, which stands somewhere in a larger buffer. */
function json(type: keyof typeof oids, text: string): string {
  const out = new JsonWriter();
  const bytes = Buffer.from(`9-BC${text}7+00 BC`);
  const write = valueWriter(new TypeCatalogue().of(oids[type]), {
    modifier: -1,
    modes: exactModes,
    moneyDigits: 2,
  });
  write?.(out, bytes, 4, 4 + Buffer.byteLength(text));
  return out.take().toString();
}

describe('numbers are the digits that the server wrote', () => {
  test.each([
    ['int2', '-32768'],
    ['int4', '2147483647'],
    ['int8', '9007199254740993'],
    ['int8', '-9223372036854775808'],
    ['oid', '4000000000'],
    ['float4', '3.3'],
    ['float8', '1e+20'],
    ['float8', '4.9406564584124654e-324'],
    ['float8', '-0'],
  ] as const)('%s %s', (type, text) => {
    expect(json(type, text)).toBe(text);
  });

  test('every double, written in its shortest digits, is valid JSON for the same double', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        const text = Object.is(value, -0) ? '-0' : String(value);
        expect(Number(JSON.parse(json('float8', text)))).toBe(value);
      }),
    );
  });

  test.each(['NaN', 'Infinity', '-Infinity'])('a float %s, which JSON lacks, is a string', (text) => {
    expect(json('float4', text)).toBe(`"${text}"`);
    expect(json('float8', text)).toBe(`"${text}"`);
  });
});

test('a numeric is a string with all its digits', () => {
  const digits = '12345678901234567890.123456789012345678901234567890';
  expect(json('numeric', digits)).toBe(`"${digits}"`);
  expect(json('numeric', '1.10')).toBe('"1.10"');
  expect(json('numeric', 'NaN')).toBe('"NAN"');
  expect(json('numeric', 'Infinity')).toBe('"POSITIVE_INFINITY"');
  expect(json('numeric', '-Infinity')).toBe('"NEGATIVE_INFINITY"');
});

test('a boolean is true or false', () => {
  expect([json('bool', 't'), json('bool', 'f')]).toEqual(['true', 'false']);
});

test('json, jsonb, uuid and text are their text as a string', () => {
  for (const type of ['json', 'jsonb', 'uuid', 'text'] as const) {
    expect(JSON.parse(json(type, '{"bar":  "b\\u00e4z\\"\\n"}'))).toBe('{"bar":  "b\\u00e4z\\"\\n"}');
  }
});

describe('dates and times are ISO 8601 as Debezium writes them', () => {
  test.each([
    ['date', '2016-11-04', '2016-11-04Z'],
    ['date', '21016-11-04', '+21016-11-04Z'],
    ['date', '5874897-12-31', '+5874897-12-31Z'],
    ['date', '0001-01-01 BC', '0000-01-01Z'],
    ['date', '4713-01-01 BC', '-4712-01-01Z'],
    ['date', 'infinity', 'infinity'],
    ['date', '-infinity', '-infinity'],
    ['time', '13:51:30', '13:51:30Z'],
    ['time', '13:51:30.1', '13:51:30.1Z'],
    ['time', '24:00:00', '24:00:00Z'],
    ['timetz', '13:51:30.123789+02', '11:51:30.123789Z'],
    ['timetz', '01:51:30+02', '23:51:30Z'],
    ['timetz', '13:51:30-05:30', '19:21:30Z'],
    ['timetz', '13:51:30+00:00:01', '13:51:29Z'],
    ['timetz', '24:00:00+00', '24:00:00Z'],
    ['timetz', '24:00:00+02', '22:00:00Z'],
    ['timetz', '13:51:30+00', '13:51:30Z'],
    ['timestamp', '2016-11-04 13:51:30.123456', '2016-11-04T13:51:30.123456Z'],
    ['timestamp', '294276-12-31 23:59:59.999999', '+294276-12-31T23:59:59.999999Z'],
    ['timestamp', '4713-01-01 00:00:00 BC', '-4712-01-01T00:00:00Z'],
    ['timestamp', 'infinity', 'infinity'],
    ['timestamptz', '2016-11-04 11:51:30.123456+00', '2016-11-04T11:51:30.123456Z'],
    ['timestamptz', '2016-11-04 17:21:30+05:30', '2016-11-04T17:21:30.000000+05:30'],
    ['timestamptz', '0044-03-15 12:00:00+00 BC', '-0043-03-15T12:00:00.000000Z'],
    ['timestamptz', '-infinity', '-infinity'],
  ] as const)('%s %s is %s', (type, text, expected) => {
    expect(json(type, text)).toBe(`"${expected}"`);
  });
});
