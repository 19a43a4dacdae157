/**
 * How values are represented. Each can be chosen alone; `compat` chooses a whole set. Named after Debezium's properties:
 * https://debezium.io/documentation/reference/3.7/connectors/postgresql.html#postgresql-connector-properties
 */
export interface ValueModes {
  /** `decimal.handling.mode`, of numeric and money. */
  readonly decimals: 'string' | 'precise' | 'double';
  /** `time.precision.mode`; `iso` is its `isostring`. */
  readonly times:
    | 'iso'
    | 'adaptive'
    | 'adaptive_time_microseconds'
    | 'connect'
    | 'microseconds'
    | 'nanoseconds';
  /** `interval.handling.mode` */
  readonly intervals: 'string' | 'numeric';
  /** `binary.handling.mode`, of bytea and of the content of logical messages. */
  readonly binary: 'bytes' | 'base64' | 'base64-url-safe' | 'hex';
  /** `hstore.handling.mode` */
  readonly hstore: 'map' | 'json';
  /** Bit strings: their digits, or the bytes that Debezium makes of them, in which leading zeros are lost. */
  readonly bits: 'text' | 'bytes';
  /** Types that Debezium does not know: `include.unknown.datatypes` false is `omit`, true is `bytes`. */
  readonly unknownTypes: 'text' | 'bytes' | 'omit';
  /** Lower bounds of arrays, the last point of a closed polygon: kept, or given up as Debezium does. */
  readonly shapes: 'exact' | 'debezium';
}

/** Ours: exact, readable. */
export const exactModes: ValueModes = {
  decimals: 'string',
  times: 'iso',
  intervals: 'string',
  binary: 'bytes',
  hstore: 'map',
  bits: 'text',
  unknownTypes: 'text',
  shapes: 'exact',
};

/** Debezium's own defaults. */
export const debeziumModes: ValueModes = {
  decimals: 'precise',
  times: 'adaptive',
  intervals: 'numeric',
  binary: 'bytes',
  hstore: 'json',
  bits: 'bytes',
  unknownTypes: 'omit',
  shapes: 'debezium',
};
