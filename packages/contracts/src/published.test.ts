/** What is published of the cart's contracts: true, valid, and never changed in place. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { jsonSchemas } from '@diptych/events/json-schemas';
import { describeFinding, examine, textOf } from '@diptych/events/publication';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { expect, test } from 'vitest';
import { cartContract, readCartEvent } from './cart-events.ts';
import { asyncApiFile, domainAsyncApi, schemaDirectory } from './published.ts';

test('every version is published as it is: a new one by `npm run contracts -- publish`, an old one never changes', () => {
  expect(examine(cartContract, schemaDirectory).map(describeFinding)).toEqual([]);
});

test('each example fits its JSON Schema, and is read by its contract', () => {
  for (const { type, version, schema } of jsonSchemas(cartContract)) {
    const ajv = new Ajv2020({ strict: false });
    const validate = ajv.compile({ ...schema });
    const [example] = Array.isArray(schema.examples) ? schema.examples : [];
    expect([type, validate(example), validate.errors]).toEqual([type, true, null]);
    expect(validate({ ...example, cartId: 'no number' })).toBe(false);
    expect(readCartEvent({ type, typeversion: version, payload: example })).toMatchObject({ ok: true });
  }
});

test('the AsyncAPI document is valid, and the published one', () => {
  const definition: object = createRequire(import.meta.url)('@asyncapi/specs/schemas/3.0.0-without-$id.json');
  const ajv = new Ajv({ strict: false, logger: false });
  addFormats.default(ajv);
  const validate = ajv.compile(definition);
  const document = domainAsyncApi();
  expect([validate(document), validate.errors]).toEqual([true, null]);
  expect(readFileSync(join(schemaDirectory, asyncApiFile), 'utf8')).toBe(textOf(document));
});
