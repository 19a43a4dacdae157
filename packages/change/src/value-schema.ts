/**
 * The Connect schema of a column's values, with the names and versions that Debezium gives its semantic types, in the form of
 * Connect's JsonConverter. https://debezium.io/documentation/reference/3.7/connectors/postgresql.html#postgresql-data-types
 */
import { isBoolean } from './binary-values.ts';
import { precisionOf, scaleOf } from './decimal-values.ts';
import { type PostgresType, withoutDomains } from './postgres-type.ts';
import type { ValueModes } from './value-modes.ts';
import { type Choice, isTextType } from './values.ts';

/** One schema; `field` names it inside a struct. */
export interface ConnectSchema {
  readonly type: string;
  readonly optional: boolean;
  readonly name?: string;
  readonly version?: number;
  readonly doc?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly default?: string;
  readonly items?: ConnectSchema;
  readonly keys?: ConnectSchema;
  readonly values?: ConnectSchema;
  readonly fields?: readonly ConnectSchema[];
  readonly field?: string;
}

/** The schema without whether it is optional, which the place of the value says. */
type Shape = Omit<ConnectSchema, 'optional'>;

const data = 'io.debezium.data';
const time = 'io.debezium.time';
const connect = 'org.apache.kafka.connect.data';

const named = (type: string, name: string, rest: Partial<Shape> = {}): Shape => ({
  type,
  name,
  version: 1,
  ...rest,
});
const required = (shape: Shape): ConnectSchema => ({ ...shape, optional: false });
const field = (name: string, shape: Shape, optional = false): ConnectSchema => ({
  ...shape,
  optional,
  field: name,
});
const plain = (type: string): Shape => ({ type });
const text = plain('string');

const point = named('struct', `${data}.geometry.Point`, {
  doc: 'Geometry (POINT)',
  fields: [
    field('x', plain('double')),
    field('y', plain('double')),
    field('wkb', plain('bytes'), true),
    field('srid', plain('int32'), true),
  ],
});

const stringMap: Shape = {
  type: 'map',
  keys: required(text),
  values: { ...text, optional: true },
};

const placeFields = [field('wkb', plain('bytes')), field('srid', plain('int32'), true)];

const geometry: Shape = {
  ...named('struct', `${data}.geometry.Geometry`, {
    doc: 'Geometry',
    fields: [
      ...placeFields,
      field('extensions', { type: 'map', keys: required(text), values: required(text) }, true),
    ],
  }),
  version: 2,
};

/** Types whose schema no mode changes. Text that is not here is a plain string. */
const fixed: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  ['bool', plain('boolean')],
  ['int2', plain('int16')],
  ['int4', plain('int32')],
  ['int8', plain('int64')],
  ['oid', plain('int64')],
  ['float4', plain('float')],
  ['float8', plain('double')],
  ['json', named('string', `${data}.Json`)],
  ['jsonb', named('string', `${data}.Json`)],
  ['uuid', named('string', `${data}.Uuid`)],
  ['xml', named('string', `${data}.Xml`)],
  ['tsvector', named('string', `${data}.TsVector`)],
  ['ltree', named('string', `${data}.Ltree`)],
  ['timestamptz', named('string', `${time}.ZonedTimestamp`)],
  ['timetz', named('string', `${time}.ZonedTime`)],
  ['point', point],
  [
    'circle',
    named('struct', `${data}.geometry.Circle`, {
      doc: 'Geometry (CIRCLE)',
      fields: [field('center', point), field('radius', plain('double'))],
    }),
  ],
  [
    'line',
    named('struct', `${data}.geometry.Line`, {
      doc: 'Geometry (LINE)',
      fields: ['a', 'b', 'c'].map((name) => field(name, plain('double'))),
    }),
  ],
  ...['box', 'lseg', 'path', 'polygon', 'geometry'].map((name) => [name, geometry] as const),
  ['geography', named('struct', `${data}.geometry.Geography`, { doc: 'Geography', fields: placeFields })],
  ['vector', named('array', `${data}.DoubleVector`, { items: required(plain('double')) })],
  ['halfvec', named('array', `${data}.FloatVector`, { items: required(plain('float')) })],
  [
    'sparsevec',
    named('struct', `${data}.SparseDoubleVector`, {
      doc: 'Sparse double vector',
      fields: [
        field('dimensions', plain('int16')),
        field('vector', { type: 'map', keys: required(plain('int16')), values: required(plain('double')) }),
      ],
    }),
  ],
]);

function byMode(name: string, { modifier, modes, moneyDigits }: Choice): Shape {
  switch (name) {
    case 'numeric':
      return numericSchema(modifier, modes.decimals);
    case 'money':
      return modes.decimals === 'precise' ? decimal({ scale: String(moneyDigits) }) : plain(modes.decimals);
    case 'date':
    case 'time':
    case 'timestamp':
      return temporal(name, modifier, modes.times);
    case 'interval':
      return modes.intervals === 'string'
        ? named('string', `${time}.Interval`)
        : named('int64', `${time}.MicroDuration`);
    case 'bytea':
      return bytesSchema(modes.binary);
    case 'bit':
    case 'varbit':
      if (isBoolean(name, modifier, modes.bits)) return plain('boolean');
      if (modes.bits === 'text') return text;
      return named('bytes', `${data}.Bits`, {
        parameters: { length: String(modifier === -1 ? 2_147_483_647 : modifier) },
      });
    case 'hstore':
      return modes.hstore === 'map' ? stringMap : named('string', `${data}.Json`);
    default:
      return isTextType(name) || modes.unknownTypes === 'text' ? text : bytesSchema(modes.binary);
  }
}

/** The schema of bytes in the form of `binary.handling.mode`. */
export const bytesSchema = (mode: ValueModes['binary']): Shape =>
  plain(mode === 'bytes' ? 'bytes' : 'string');

const decimal = (parameters: Record<string, string>): Shape =>
  named('bytes', `${connect}.Decimal`, { parameters });

function numericSchema(modifier: number, mode: ValueModes['decimals']): Shape {
  if (mode !== 'precise') return plain(mode);
  const scale = scaleOf(modifier);
  if (scale !== null) {
    return decimal({ scale: String(scale), 'connect.decimal.precision': String(precisionOf(modifier)) });
  }
  return named('struct', `${data}.VariableScaleDecimal`, {
    doc: 'Variable scaled decimal',
    fields: [field('scale', plain('int32')), field('value', plain('bytes'))],
  });
}

const temporalNames = { date: 'Date', time: 'Time', timestamp: 'Timestamp' } as const;

function temporal(kind: keyof typeof temporalNames, modifier: number, mode: ValueModes['times']): Shape {
  const name = temporalNames[kind];
  if (mode === 'iso') return named('string', `${time}.Iso${name}`);
  const small = kind === 'timestamp' ? 'int64' : 'int32';
  if (mode === 'connect') return named(small, `${connect}.${name}`);
  if (kind === 'date') return named('int32', `${time}.Date`);
  if (mode === 'nanoseconds') return named('int64', `${time}.Nano${name}`);
  const isMicro = mode === 'microseconds' || (mode === 'adaptive_time_microseconds' && kind === 'time');
  if (!isMicro && modifier >= 0 && modifier <= 3) return named(small, `${time}.${name}`);
  return named('int64', `${time}.Micro${name}`);
}

/** The schema of a type's values, as `valueWriter` writes them. */
export function valueSchema(type: PostgresType, choice: Choice): Shape {
  const { type: root, modifier } = withoutDomains(type, choice.modifier);
  switch (root.tag) {
    case 'base':
      return baseSchema(root.name, { ...choice, modifier });
    case 'enum':
      return named('string', `${data}.Enum`, { parameters: { allowed: root.labels.join() } });
    case 'array':
      return {
        type: 'array',
        items: { ...valueSchema(root.element, { ...choice, modifier }), optional: true },
      };
    case 'composite': {
      if (choice.modes.unknownTypes !== 'text') return bytesSchema(choice.modes.binary);
      const fields = root.fields.map(({ name, type: of, modifier: own }) =>
        field(name, valueSchema(of, { ...choice, modifier: own }), true),
      );
      return { type: 'struct', fields };
    }
  }
}

function baseSchema(name: string, choice: Choice): Shape {
  return fixed.get(name) ?? byMode(name, choice);
}
