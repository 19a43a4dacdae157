import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { EventContract } from './event-contract.ts';
import { addressContract } from './examples/address-for-tests.ts';
import { cityOf } from './examples/read-for-tests.ts';
import { readEvent, requireEvent } from './read-event.ts';

const type = 'AddressChanged';
const v1 = { customer: 'ann', address: 'Main St 1, Springfield' };
const v2 = { customer: 'ann', street: 'Main St 1', city: 'Springfield' };

test('a reader sees the newest version, whichever was written', () => {
  for (const [version, payload] of [v1, v2].entries()) {
    const read = readEvent(addressContract, { type, version: version + 1, payload });
    expect(read).toEqual({ ok: true, event: { type, payload: v2 } });
  }
  expect(cityOf({ type, version: 1, payload: v1 })).toBe('Springfield');
});

test('upcasters run one after the other, each on what the one before has made', () => {
  const counted = {
    Counted: EventContract.first({
      since: '2026-01-01',
      payload: z.object({ n: z.string() }),
      example: { n: '1' },
    })
      .next({
        since: '2026-02-01',
        payload: z.object({ n: z.number() }),
        example: { n: 1 },
        upcast: ({ n }) => ({ n: Number(n) }),
      })
      .next({
        since: '2026-03-01',
        payload: z.object({ double: z.number() }),
        example: { double: 2 },
        upcast: ({ n }) => ({ double: n * 2 }),
      }),
  };
  const read = (version: number, payload: unknown) =>
    readEvent(counted, { type: 'Counted', version, payload });
  expect([read(1, { n: '21' }), read(2, { n: 21 }), read(3, { double: 42 })]).toEqual(
    Array(3).fill({ ok: true, event: { type: 'Counted', payload: { double: 42 } } }),
  );
});

test.each([3, 0, -1, 1.5])('version %s is unknown, and nobody guesses', (version) => {
  const written = { type, version, payload: v2 };
  expect(readEvent(addressContract, written)).toEqual({
    ok: false,
    reason: 'contract-unknown-version',
    detail: `AddressChanged has version ${version}, known are 1 to 2`,
  });
  expect(() => requireEvent(addressContract, written)).toThrow(
    expect.objectContaining({ code: 'contract-unknown-version' }),
  );
  expect(cityOf(written)).toBe('park it: contract-unknown-version');
});

test('a payload is checked as its own version has it, and refused by the field, without its values', () => {
  const read = readEvent(addressContract, { type, version: 1, payload: { ...v1, address: 4111 } });
  expect(read).toMatchObject({
    ok: false,
    reason: 'payload-invalid',
    detail: expect.stringMatching(/^payload.address: /),
  });
  expect(JSON.stringify(read)).not.toContain('4111');
  expect(readEvent(addressContract, { type: 'toString', version: 1, payload: {} })).toMatchObject({
    reason: 'type-unknown',
  });
  expect(() => requireEvent(addressContract, { type, version: 1, payload: 7 })).toThrow(
    expect.objectContaining({ code: 'event-malformed' }),
  );
});

test('what a version does not know is left out', () => {
  const read = readEvent(addressContract, { type, version: 2, payload: { ...v2, since: 'then' } });
  expect(read).toEqual({ ok: true, event: { type, payload: v2 } });
});

test('an upcaster that breaks its own contract is a mistake of ours, and says so', () => {
  const broken = {
    Noted: EventContract.first({ since: '2026-01-01', payload: z.object({}), example: {} }).next({
      since: '2026-01-02',
      payload: z.object({ n: z.number() }),
      example: { n: 1 },
      upcast: () => ({ n: Number.NaN }),
    }),
  };
  expect(() => readEvent(broken, { type: 'Noted', version: 1, payload: {} })).toThrow(
    'the upcaster of Noted to version 2 breaks its contract',
  );
});

test('an upcaster that makes another payload does not compile, nor does an example', () => {
  const first = EventContract.first({
    since: '2026-01-01',
    payload: z.object({ n: z.number() }),
    example: { n: 1 },
  });
  const next = { since: '2026-01-02', payload: z.object({ text: z.string() }), example: { text: '1' } };
  const right = first.next({ ...next, upcast: ({ n }) => ({ text: String(n) }) });
  // @ts-expect-error a number is no text
  const wrong = first.next({ ...next, upcast: ({ n }) => ({ text: n }) });
  // @ts-expect-error the example is not of the payload
  const other = first.next({ ...next, example: { n: 1 }, upcast: ({ n }) => ({ text: String(n) }) });
  expect([right, wrong, other].map(({ typeversion }) => typeversion)).toEqual([2, 2, 2]);
});

test('any library with Standard Schema gives contracts', () => {
  const schema = {
    '~standard': {
      ...{ vendor: 'ours', version: 1 as const },
      validate: (value: unknown) => (value === 1 ? { value } : { issues: [{ message: 'not 1', path: [] }] }),
    },
  };
  const contracts = { One: EventContract.first({ since: '2026-01-01', payload: schema, example: 1 }) };
  expect(readEvent(contracts, { type: 'One', version: 1, payload: 1 })).toMatchObject({ ok: true });
  expect(readEvent(contracts, { type: 'One', version: 1, payload: 2 })).toMatchObject({
    detail: 'payload: not 1',
  });
});

test('the code of docs/contracts.md is the code that runs here', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/contracts.md'), 'utf8');
  for (const name of readdirSync(join(import.meta.dirname, 'examples'))) {
    const code = readFileSync(join(import.meta.dirname, 'examples', name), 'utf8');
    expect(page, name).toContain(`\`\`\`ts\n${code}\`\`\``);
  }
});
