import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cartContract } from '@diptych/contracts/cart-events';
import { schemaDirectory } from '@diptych/contracts/published';
import { expect, test } from 'vitest';
import { asCloudEvent } from './outbox-cloud-events.ts';
import { payloadCheck } from './outbox-contracts.ts';

const check = payloadCheck({ directory: schemaDirectory, unknown: 'refuse' });
const bytes = (payload: unknown) => Buffer.from(JSON.stringify(payload));

test('the examples of all published contracts are taken', () => {
  for (const [type, { versions }] of Object.entries(cartContract)) {
    for (const { version, example } of versions) {
      expect(check({ type, version: String(version), payload: bytes(example) }), type).toBeNull();
    }
  }
});

const [opened] = cartContract.CartOpened.versions;
const example = opened?.example as object;

test.each([
  ['a field of another type', bytes({ ...example, cartId: '4111' }), 'payload/cartId must be integer'],
  ['a field too many', bytes({ ...example, card: 4111 }), 'payload must NOT have additional properties'],
  ['money that is none', bytes({ ...example, totals: { subtotal: '4111.1' } }), 'payload/totals'],
  ['no JSON', Buffer.from('4111,'), 'it is not JSON'],
  ['none', null, 'it has none'],
])('a payload with %s is refused by its place, without its value', (_what, payload, why) => {
  const refused = check({ type: 'CartOpened', version: '1', payload });
  expect(refused).toMatchObject({ code: 'payload-refused', message: expect.stringContaining(why) });
  expect(refused?.message).not.toContain('4111');
});

test('what no schema is of is refused by its own code, or published, as it is set', () => {
  const event = { type: 'CartOpened', version: '2', payload: bytes({}) };
  expect(check(event)).toMatchObject({ code: 'contract-unknown-version' });
  expect(payloadCheck({ directory: schemaDirectory, unknown: 'publish' })(event)).toBeNull();
});

test('schemas that cannot be read are a setting that is wrong', () => {
  const directory = mkdtempSync(join(tmpdir(), 'schemas-'));
  try {
    writeFileSync(join(directory, 'Noted.v1.json'), '{"type": "nothing"}');
    for (const at of [directory, join(directory, 'elsewhere')]) {
      expect(() => payloadCheck({ directory: at, unknown: 'refuse' })).toThrow(
        expect.objectContaining({
          code: 'configuration-invalid',
          message: expect.stringContaining(directory),
        }),
      );
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

const cloudEvent = (mode: 'binary' | 'structured', value: Buffer | null = Buffer.from('{"a": 1}')) =>
  asCloudEvent(
    {
      aggregateType: 'cart',
      key: Buffer.from('101'),
      headers: [
        ['id', 'e1'],
        ['eventType', 'CartOpened'],
        ['correlationId', 'visit-7'],
      ],
      timestampMs: 1000,
      value,
    },
    { source: '/shop', mode, keepsTombstones: true },
  );

test('CloudEvents headers say what the record says', () => {
  const { headers, value } = cloudEvent('binary');
  expect(String(value)).toBe('{"a": 1}');
  expect(Object.fromEntries(headers)).toEqual({
    ce_specversion: '1.0',
    ce_id: 'e1',
    ce_source: '/shop',
    ce_type: 'cart.CartOpened.v1',
    ce_subject: '101',
    ce_time: '1970-01-01T00:00:01.000Z',
    'content-type': 'application/json',
    ce_correlationid: 'visit-7',
  });
});

test('a structured CloudEvent says the same in its value', () => {
  const { headers, value } = cloudEvent('structured');
  expect(headers).toEqual([['content-type', 'application/cloudevents+json; charset=utf-8']]);
  expect(JSON.parse(String(value))).toEqual({
    ...{ specversion: '1.0', id: 'e1', source: '/shop', type: 'cart.CartOpened.v1', subject: '101' },
    ...{ time: '1970-01-01T00:00:01.000Z', datacontenttype: 'application/json', correlationid: 'visit-7' },
    data: { a: 1 },
  });
  expect(cloudEvent('structured', null).value).toBeNull();
});
