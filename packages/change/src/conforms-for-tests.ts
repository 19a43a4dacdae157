/** Whether a payload is what its Connect schema says, as a JsonConverter that reads it would find. */
import { assert } from '@diptych/runtime/assert';
import { Digits, type Json } from './decode-for-tests.ts';
import type { ConnectSchema } from './value-schema.ts';

type Check = (schema: ConnectSchema, json: Json, path: string) => void;

const integer: Check = (_, json, path) =>
  assert(json instanceof Digits && /^-?\d+$/.test(json.text), `${path} is no integer`);
/** Jackson writes what JSON has no number for as a string. */
const float: Check = (_, json, path) =>
  assert(
    json instanceof Digits || ['NaN', 'Infinity', '-Infinity'].includes(json as string),
    `${path} is no float`,
  );
const string: Check = (_, json, path) => assert(typeof json === 'string', `${path} is no string`);

const checks: Readonly<Record<string, Check>> = {
  boolean: (_, json, path) => assert(typeof json === 'boolean', `${path} is no boolean`),
  int16: integer,
  int32: integer,
  int64: integer,
  float,
  double: float,
  string,
  bytes: (schema, json, path) => {
    const text = typeof json === 'string' ? json : '';
    string(schema, json, path);
    assert(Buffer.from(text, 'base64').toString('base64') === text, `${path} is no base64`);
  },
  array: ({ items }, json, path) => {
    assert(Array.isArray(json) && items, `${path} is no list`);
    json.forEach((one: Json, index) => {
      // A schema does not tell dimensions.
      if (Array.isArray(one) && items.type !== 'array') return;
      conforms(items, one, `${path}[${index}]`);
    });
  },
  map: ({ keys, values }, json, path) => {
    assert(keys && values, `${path} has no schemas`);
    const entries = Array.isArray(json) ? json : Object.entries(json as object);
    assert(Array.isArray(json) === (keys.type !== 'string'), `${path}: pairs unless keys are strings`);
    for (const [key, value] of entries as readonly (readonly [Json, Json])[]) {
      conforms(keys, key, `${path} key`);
      conforms(values, value, `${path} value`);
    }
  },
  struct: ({ fields = [] }, json, path) => {
    assert(typeof json === 'object' && json !== null && !Array.isArray(json), `${path} is no struct`);
    const names = fields.map(({ field }) => field);
    for (const name of Object.keys(json)) assert(names.includes(name), `${path}.${name} has no schema`);
    const struct = json as { readonly [name: string]: Json };
    for (const one of fields) conforms(one, struct[one.field ?? ''] ?? null, `${path}.${one.field}`);
  },
};

/** Asserts it, naming the place where it is not so. */
export function conforms(schema: ConnectSchema, json: Json, path = '$'): void {
  if (json === null) return assert(schema.optional, `${path} is required`);
  const check = checks[schema.type];
  assert(check, `${path} has an unknown type ${schema.type}`);
  check(schema, json, path);
}
