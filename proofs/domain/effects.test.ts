import { expect, test } from 'vitest';
import { difference } from './effects.ts';

const order = (id: string) => ({ id, cart: `1${id}`, total: '3.90', md5: 'x' });
const checkouts = [order('1'), order('2')];
const ids = checkouts.map(({ id }) => ({ id }));
const all = { checkouts, shipments: checkouts, inbox: ids, effects: ids };
const clean = { checkouts: 2, missing: 0, repeated: 0, phantom: 0 };

test('each checkout shipped once, as it was told, is without a finding', () => {
  expect(difference(all)).toEqual(clean);
});

test('a checkout that was not shipped, or otherwise, is missing', () => {
  expect(difference({ ...all, shipments: [order('1')] })).toEqual({ ...clean, missing: 1 });
  expect(difference({ ...all, shipments: [order('1'), { ...order('2'), total: '0.00' }] })).toEqual({
    ...clean,
    missing: 1,
  });
  expect(difference({ ...all, inbox: [{ id: '1' }] })).toEqual({ ...clean, missing: 1 });
});

test('an effect that a checkout had twice is repeated, one that nobody told is a phantom', () => {
  expect(difference({ ...all, effects: [...ids, { id: '1' }] })).toEqual({ ...clean, repeated: 1 });
  expect(difference({ ...all, shipments: [...checkouts, order('3')] })).toEqual({ ...clean, phantom: 1 });
});
