/** The JSON Schema of what a Connect schema describes, as our records have it. https://json-schema.org/draft/2020-12 */
import { assert } from '@diptych/runtime/assert';
import type { ConnectSchema } from './value-schema.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** JSON has no number for these: they are texts. */
const notNumbers = { enum: ['NaN', 'Infinity', '-Infinity'] };

const scalars: Readonly<Record<string, JsonSchema>> = {
  boolean: { type: 'boolean' },
  int16: { type: 'integer' },
  int32: { type: 'integer' },
  int64: { type: 'integer' },
  float: { anyOf: [{ type: 'number' }, notNumbers] },
  double: { anyOf: [{ type: 'number' }, notNumbers] },
  string: { type: 'string' },
  bytes: { type: 'string', contentEncoding: 'base64' },
};

/**
 * Of a value at its place. Members may be missing: a row before holds only the key, and what a change left as it was is not
 * sent. What only describes (Connect's name) is kept as the title.
 */
export function jsonSchemaOf(schema: ConnectSchema): JsonSchema {
  const described = { ...shapeOf(schema), ...(schema.name === undefined ? {} : { title: schema.name }) };
  return schema.optional ? { anyOf: [described, { type: 'null' }] } : described;
}

function shapeOf(schema: ConnectSchema): JsonSchema {
  const { type, fields = [], items, keys, values } = schema;
  switch (type) {
    case 'struct':
      return {
        type: 'object',
        properties: Object.fromEntries(fields.map((one) => [one.field ?? '', jsonSchemaOf(one)])),
        additionalProperties: false,
      };
    case 'array':
      assert(items, 'a list has items');
      // A schema does not tell dimensions; a list with bounds of its own is its text.
      return {
        anyOf: [
          { type: 'array', items: { anyOf: [jsonSchemaOf(items), { type: 'array' }] } },
          { type: 'string' },
        ],
      };
    case 'map':
      assert(keys && values, 'a map has keys and values');
      return keys.type === 'string'
        ? { type: 'object', additionalProperties: jsonSchemaOf(values) }
        : {
            type: 'array',
            items: { type: 'array', prefixItems: [jsonSchemaOf(keys), jsonSchemaOf(values)] },
          };
    default: {
      const scalar = scalars[type];
      assert(scalar, `${type} is a type of Connect`);
      return scalar;
    }
  }
}
