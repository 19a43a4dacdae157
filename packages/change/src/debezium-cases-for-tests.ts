/** Types, values of them, the way back from Debezium's representation, and what the database computes to compare with. */
import { assert } from '@diptych/runtime/assert';
import {
  asArray,
  asBit,
  asHstore,
  asNumber,
  asText,
  type Decode,
  type Json,
  parseExactly,
} from './decode-for-tests.ts';
import {
  amounts,
  bits,
  clocks,
  edges,
  hstores,
  intervals,
  moments,
  numerics,
} from './value-samples-for-tests.ts';

export type DebeziumCase = readonly [
  type: string,
  values: readonly string[],
  decode: Decode,
  oracle?: string,
];

/** Connect's Decimal: the unscaled integer in two's complement. */
const asDecimal =
  (scale: number): Decode =>
  (json) => {
    const hex = Buffer.from(asText(json), 'base64').toString('hex');
    const unscaled = BigInt.asIntN(4 * hex.length, BigInt(`0x${hex}`));
    if (scale <= 0) return String(unscaled * 10n ** BigInt(-scale));
    const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
    return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  };

const asVariableScale: Decode = (json) => {
  assert(typeof json === 'object' && json !== null && 'scale' in json, 'a struct');
  return asDecimal(Number(asNumber(json.scale)))(json.value as Json);
};

/** Little-endian bytes to the digits of the number. */
const asBits: Decode = (json) => {
  const hex = Buffer.from(asText(json), 'base64').toReversed();
  const digits = [...hex].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return digits.replace(/^0+/, '');
};

const asJsonText =
  (decode: Decode): Decode =>
  (json) =>
    decode(parseExactly(asText(json)));

const inUs = '(extract(epoch from c) * 1000000)::numeric(40, 0)::text';
const inMs = '(extract(epoch from c) * 1000)::numeric(40, 0)::text';
const intervalUs = `(
  (extract(year from c) * 12 + extract(month from c)) * 2629800000000 + extract(day from c) * 86400000000
  + (extract(hour from c) * 60 + extract(minute from c)) * 60000000 + extract(microseconds from c)
)::numeric(40, 0)::text`;
const bitsOf = `ltrim(format('%s', c), '0')`;

export const debeziumCases: readonly DebeziumCase[] = [
  ['numeric(60, 20)', ['22.22', '-0.00000000000000000001', '0', '128', '-128', '-129', '255'], asDecimal(20)],
  ['numeric(5, -2)', ['1200', '-9999900'], asDecimal(-2)],
  [
    'numeric',
    edges(numerics, '10.1111', '22.2200', '100', '0', '-0.5', '1e-50'),
    asVariableScale,
    'trim_scale(c)::text',
  ],
  ['numeric(10,2)[]', ['{1.1,-2.22}'], asArray(asDecimal(2))],
  ['money', edges(amounts, '1234.11', '-1234.11', '-92233720368547758.08'), asDecimal(2), 'c::numeric::text'],
  [
    'date',
    ['2016-11-04', '1582-10-04', '5874897-12-31', '4713-01-01 BC'],
    asNumber,
    `(c - '1970-01-01'::date)::text`,
  ],
  ['time', edges(clocks, '24:00:00'), asNumber, inUs],
  ['time(3)', ['13:51:30.123', '24:00:00'], asNumber, inMs],
  ['timestamp', edges(moments, '2016-11-04T13:51:30.123456', '4714-11-24 00:00:00 BC'), asNumber, inUs],
  ['timestamp(3)', ['2016-11-04T13:51:30.123', '1582-10-04 00:00:00.001'], asNumber, inMs],
  ['timestamp(0)', ['2016-11-04T13:51:30'], asNumber, inMs],
  ['interval', edges(intervals, 'P1Y2M3DT4H5M6.78S', '0', '-0.5 s'), asNumber, intervalUs],
  ['bit(1)', ['0', '1'], asBit],
  ['bit(7)', edges(bits(7)), asBits, bitsOf],
  ['bit(64)', edges(bits(64)), asBits, bitsOf],
  ['varbit', ['', '0011', '101'], asBits, bitsOf],
  ['hstore', edges(hstores, '"a"=>NULL'), asJsonText(asHstore)],
  ['int4[]', ['{1,2}', '[0:1]={1,2}'], asArray(asNumber), `'{' || array_to_string(c, ',') || '}'`],
];

/** What Debezium's `include.unknown.datatypes` is about. */
export const omittedTypes = [
  ['tsquery', "'fat' & 'rat'"],
  ['pg_lsn', '16/B374D848'],
  ['int4multirange', '{[1,3),[5,9)}'],
  ['floatrange', '[1.5,2.5)'],
  ['address', '("a b",7,,)'],
  ['cube', '(1, 2, 3)'],
] as const;
