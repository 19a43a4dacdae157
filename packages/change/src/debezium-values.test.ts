/** What Debezium 3.7 sends for its own examples, from its tests and converters. */
import { expect, test } from 'vitest';
import { JsonWriter } from './json-writer.ts';
import type { PostgresType } from './postgres-type.ts';
import { TypeCatalogue } from './type-catalogue.ts';
import { placeholderFor } from './unchanged-values.ts';
import { Unrepresentable } from './unrepresentable.ts';
import { debeziumModes, exactModes, type ValueModes } from './value-modes.ts';
import { valueWriter } from './values.ts';

/** `atttypmod` of numeric(p, s). */
const numeric = (precision: number, scale: number): number => ((precision << 16) | (scale & 0x7ff)) + 4;

const types = new TypeCatalogue({
  rows: ['hstore', 'geometry', 'vector', 'sparsevec', 'ltree', 'geography'].map((name, index) => ({
    ...{ oid: 20_000 + index, name, kind: 'b', element: 0, delimiter: ',', base: 0, modifier: -1 },
    ...{ labels: null, fields: null },
  })),
});

interface Told {
  readonly oid: number;
  readonly modifier?: number;
  readonly modes?: Partial<ValueModes>;
}

function json(text: string, { oid, modifier = -1, modes = {} }: Told): string {
  const out = new JsonWriter();
  const bytes = Buffer.from(text);
  const write = valueWriter(types.of(oid), {
    modifier,
    modes: { ...debeziumModes, ...modes },
    moneyDigits: 2,
  });
  write?.(out, bytes, 0, bytes.length);
  return String(out.take());
}

test.each([
  // decimal.handling.mode = precise
  ['1.10', { oid: 1700, modifier: numeric(3, 2) }, '"bg=="'],
  ['-1.10', { oid: 1700, modifier: numeric(3, 2) }, '"kg=="'],
  ['10.1111', { oid: 1700 }, '{"scale":4,"value":"AYr3"}'],
  ['22.2200', { oid: 1700 }, '{"scale":2,"value":"CK4="}'],
  ['0', { oid: 1700 }, '{"scale":0,"value":"AA=="}'],
  ['$1,234.11', { oid: 790 }, '"AeIT"'],
  ['-$92,233,720,368,547,758.08', { oid: 790 }, '"gAAAAAAAAAA="'],
  ['($1,234.11)', { oid: 790, modes: { decimals: 'string' } }, '"-1234.11"'],
  ['1.234,50 €', { oid: 790, modes: { decimals: 'string' } }, '"1234.50"'],
  ['NaN', { oid: 1700, modes: { decimals: 'double' } }, '"NaN"'],
  ['22.22', { oid: 1700, modes: { decimals: 'double' } }, '22.22'],
  // time.precision.mode = adaptive, and the others
  ['2016-11-04', { oid: 1082 }, '17109'],
  ['infinity', { oid: 1082 }, '2146033979'],
  ['-infinity', { oid: 1082 }, '-2147472691'],
  ['13:51:30', { oid: 1083 }, '49890000000'],
  ['24:00:00', { oid: 1083 }, '86400000000'],
  ['13:51:30.123', { oid: 1083, modifier: 3 }, '49890123'],
  ['13:51:30.123', { oid: 1083, modifier: 3, modes: { times: 'adaptive_time_microseconds' } }, '49890123000'],
  ['13:51:30.123', { oid: 1083, modes: { times: 'nanoseconds' } }, '49890123000000'],
  ['00:00:00', { oid: 1083, modes: { times: 'nanoseconds' } }, '0'],
  ['2016-11-04 13:51:30.123456', { oid: 1114 }, '1478267490123456'],
  ['2016-11-04 13:51:30.123', { oid: 1114, modifier: 3 }, '1478267490123'],
  ['1969-12-31 23:59:59.9995', { oid: 1114, modes: { times: 'connect' } }, '-1'],
  ['2016-11-04 13:51:30.123', { oid: 1114, modes: { times: 'nanoseconds' } }, '1478267490123000000'],
  ['infinity', { oid: 1114 }, '9223372036854775807'],
  ['-infinity', { oid: 1114 }, '-9223372036854775808'],
  ['infinity', { oid: 1114, modifier: 3 }, '9223372036825200000'],
  ['-infinity', { oid: 1114, modifier: 3 }, '-9223372036832400000'],
  ['infinity', { oid: 1184 }, '"infinity"'],
  ['2016-11-04 11:51:30.123456+00', { oid: 1184 }, '"2016-11-04T11:51:30.123456Z"'],
  ['2016-11-04 11:51:30+00', { oid: 1184 }, '"2016-11-04T11:51:30.000000Z"'],
  ['2016-11-04 11:51:30.1+00', { oid: 1184, modifier: 3 }, '"2016-11-04T11:51:30.100Z"'],
  ['2016-11-04 11:51:30+00', { oid: 1184, modifier: 0 }, '"2016-11-04T11:51:30Z"'],
  ['13:51:30.123789+02', { oid: 1266 }, '"11:51:30.123789Z"'],
  // interval.handling.mode
  ['P1Y2M3DT4H5M6.78S', { oid: 1186 }, '37091106780000'],
  ['P1Y2M3DT4H5M6.78S', { oid: 1186, modes: { intervals: 'string' } }, '"P1Y2M3DT4H5M6.78S"'],
  ['PT0S', { oid: 1186, modes: { intervals: 'string' } }, '"P0Y0M0DT0H0M0S"'],
  // binary.handling.mode
  ['\\x000102', { oid: 17 }, '"AAEC"'],
  ['\\x000102', { oid: 17, modes: { binary: 'hex' } }, '"000102"'],
  ['\\xfbff', { oid: 17, modes: { binary: 'base64-url-safe' } }, '"-_8="'],
  // bits
  ['1', { oid: 1560, modifier: 1 }, 'true'],
  ['11', { oid: 1560, modifier: 2 }, '"Aw=="'],
  ['1000000', { oid: 1560, modifier: 7 }, '"QA=="'],
  ['000000110000001000000001', { oid: 1560, modifier: 24 }, '"AQID"'],
  [`1${'0'.repeat(63)}`, { oid: 1560, modifier: 64 }, '"AAAAAAAAAIA="'],
  // hstore.handling.mode
  ['"key"=>"val", "n"=>NULL', { oid: 20_000 }, '"{\\"key\\":\\"val\\",\\"n\\":null}"'],
  ['"key"=>"val", "n"=>NULL', { oid: 20_000, modes: { hstore: 'map' } }, '{"key":"val","n":null}'],
  // structs
  ['(1,1)', { oid: 600 }, '{"x":1,"y":1,"wkb":"AQEAAAAAAAAAAADwPwAAAAAAAPA/","srid":null}'],
  ['{1,2,-3}', { oid: 628 }, '{"a":1,"b":2,"c":-3}'],
  ['[1,2.5,3e-05]', { oid: 20_002 }, '[1,2.5,3e-05]'],
  ['{1:201,9:209}/3000', { oid: 20_003 }, '{"dimensions":3000,"vector":[[1,201],[9,209]]}'],
  ['{}/5', { oid: 20_003 }, '{"dimensions":5,"vector":[]}'],
  [
    '0101000020730C00001C7C613255DE6540787AA52C435C42C0',
    { oid: 20_001 },
    '{"wkb":"AQEAACBzDAAAHHxhMlXeZUB4eqUsQ1xCwA==","srid":3187,"extensions":null}',
  ],
  // A geography has no extensions: https://debezium.io/documentation/reference/3.7/connectors/postgresql.html
  [
    '0101000020E610000000000000000000000000000000000000',
    { oid: 20_005 },
    '{"wkb":"AQEAACDmEAAAAAAAAAAAAAAAAAAAAAAAAA==","srid":4326}',
  ],
  ['010700000000000000', { oid: 20_001 }, '{"wkb":"AQcAAAAAAAAA","srid":null,"extensions":null}'],
] as const)('%s %o is %s', (text, told: Told, expected) => {
  expect(json(text, told)).toBe(expected);
});

test.each([
  ['NaN', { oid: 1700 }],
  ['Infinity', { oid: 1700, modifier: numeric(3, 2) }],
  ['infinity', { oid: 1186 }],
  ['P178000000Y', { oid: 1186 }],
  ['2500-01-01 00:00:00', { oid: 1114, modes: { times: 'nanoseconds' } }],
  ['294276-12-31 23:59:59.999999', { oid: 1114 }],
] as const)('%s %o has no form, and is refused instead of sent as something else', (text, told: Told) => {
  expect(() => json(text, told)).toThrow(Unrepresentable);
});

test('the placeholder for an unchanged value fits the type', () => {
  const text = '__debezium_unavailable_value';
  const base64 = Buffer.from(text).toString('base64');
  const of = (type: PostgresType, modes = debeziumModes) => String(placeholderFor(type, text, modes));
  expect(of(types.of(25))).toBe(`"${text}"`);
  expect(of(types.of(3802))).toBe(`"${text}"`);
  expect(of(types.of(17))).toBe(`"${base64}"`);
  expect(of(types.of(17), { ...debeziumModes, binary: 'hex' })).toBe(`"${text}"`);
  expect(of(types.of(1009))).toBe(`["${text}"]`);
  expect(of(types.of(1001))).toBe(`["${base64}"]`);
  expect(of(types.of(1007))).toBe(`[${[...Buffer.from(text)].join()}]`);
  expect(of(types.of(2951))).toBe('["b68a35a7-17ad-35b3-af2a-ae46edb4545a"]');
  expect(of(types.of(20_000))).toBe(JSON.stringify(`{"${text}":"${text}"}`));
  expect(of(types.of(20_000), exactModes)).toBe(`{"${text}":"${text}"}`);
  expect(of({ tag: 'domain', base: types.of(17), modifier: -1 })).toBe(`"${base64}"`);
});

test('a list of domains is left out, but one over an enum is a list of its labels', () => {
  const listOf = (base: PostgresType) =>
    valueWriter(
      { tag: 'array', delimiter: 0x2c, element: { tag: 'domain', base, modifier: -1 } },
      { modifier: -1, modes: debeziumModes, moneyDigits: 2 },
    );
  expect(listOf(types.of(23))).toBeNull();
  const out = new JsonWriter();
  const labels = Buffer.from('{ok,NULL}');
  listOf({ tag: 'enum', labels: ['ok'] })?.(out, labels, 0, labels.length);
  expect(out.take().toString()).toBe('["ok",null]');
});
