/**
 * Types of columns as Flink's `debezium-json` reads them from change topics with Debezium's defaults: what to declare them
 * as, and how Postgres writes the same value as Flink does.
 * https://nightlies.apache.org/flink/flink-docs-release-2.2/docs/connectors/table/formats/json/#data-type-mapping
 */
import { present } from '@diptych/runtime/assert';
import { typeNamed } from '../conformance/random/derived-types.ts';
import { dateOf, timeOf } from '../conformance/random/draw.ts';
import type { Random } from '../simulate/random.ts';

export interface FlinkColumn {
  /** As in Postgres's CREATE TABLE. */
  readonly postgres: string;
  /** As in Flink's. */
  readonly flink: string;
  /** Of a column `c`, an expression that gives the text which Flink gives. */
  readonly text: (column: string) => string;
  /** Made of Flink's text where Postgres cannot write that. */
  readonly normalise?: (text: string) => string;
  readonly value: (random: Random) => string;
}

/** What the type's own output function gives: a cast to text strips blanks and adds net masks. */
const asText = (column: string): string => `case when ${column} is not null then format('%s', ${column}) end`;
const asHex = (column: string): string => `encode(${column}, 'hex')`;
/** Microseconds of an interval or since 1970. */
const microseconds = (column: string): string => `(extract(epoch from ${column}) * 1000000)::bigint::text`;
const milliseconds = (column: string): string => `(extract(epoch from ${column}) * 1000)::bigint::text`;

/** `3.50`, `3.5` and `3.5E0` are one number. */
const asNumber = (text: string): string => String(Number(text));

/** Values of the type as the random scripts of `npm run conformance` have them. */
function valuesOf(name: string): (random: Random) => string {
  const type = present(typeNamed(name), `values of ${name}`);
  return (random) => type.value(random, { moods: [] });
}

const drawn = (
  postgres: string,
  flink: string,
  text: FlinkColumn['text'] = asText,
  normalise?: FlinkColumn['normalise'],
): FlinkColumn => ({ postgres, flink, text, value: valuesOf(postgres), ...(normalise && { normalise }) });

/** Finite and within the years that both write alike. */
const plainTimestamp = (random: Random): string => `'${dateOf(random)} ${timeOf(random)}'`;

/** Connect's Decimal: the unscaled integer, in two's complement. */
const decimal = (scale: number) => (hex: string) => {
  const bits = BigInt(hex.length * 4);
  const unscaled = BigInt.asIntN(Number(bits), BigInt(`0x${hex}`));
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  const sign = unscaled < 0n ? '-' : '';
  return `${sign}${digits.slice(0, digits.length - scale)}.${digits.slice(digits.length - scale)}`;
};

export const flinkColumns: readonly FlinkColumn[] = [
  drawn('smallint', 'SMALLINT'),
  drawn('integer', 'INT'),
  drawn('bigint', 'BIGINT'),
  drawn('boolean', 'BOOLEAN', (column) => `${column}::text`),
  drawn('real', 'FLOAT', asText, asNumber),
  drawn('double precision', 'DOUBLE', asText, asNumber),
  drawn('numeric(12,3)', 'BYTES', asText, decimal(3)),
  drawn('text', 'STRING'),
  drawn('varchar(40)', 'STRING'),
  drawn('char(24)', 'STRING'),
  drawn('bytea', 'BYTES', asHex),
  drawn('uuid', 'STRING'),
  drawn('json', 'STRING'),
  drawn('jsonb', 'STRING'),
  drawn('inet', 'STRING'),
  drawn('int4range', 'STRING'),
  drawn('time', 'BIGINT', microseconds),
  {
    ...drawn('date', 'INT', (column) => `(${column} - date '1970-01-01')::text`),
    value: (random) => `'${dateOf(random)}'`,
  },
  { ...drawn('timestamp', 'BIGINT', microseconds), value: plainTimestamp },
  { ...drawn('timestamp(3)', 'BIGINT', milliseconds), value: plainTimestamp },
  {
    ...drawn(
      'timestamptz',
      'TIMESTAMP_LTZ(6)',
      (column) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`,
      (text) => withSixDigits(text),
    ),
    value: (random) => `'${dateOf(random)} ${timeOf(random)}Z'`,
  },
  drawn('bit(1)', 'BOOLEAN', (column) => `(${column} = B'1')::text`),
  drawn('integer[]', 'ARRAY<INT>', (column) => `to_json(${column}::text[])::text`),
  drawn('text[]', 'ARRAY<STRING>', (column) => `to_json(${column})::text`),
];

/** Java's `Instant` writes no fraction, three digits or six. */
function withSixDigits(text: string): string {
  const [whole = '', fraction = ''] = text.replace(/Z$/, '').split('.');
  return `${/T\d\d:\d\d$/.test(whole) ? `${whole}:00` : whole}.${fraction.padEnd(6, '0')}Z`;
}
