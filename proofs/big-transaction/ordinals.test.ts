import { expect, test } from 'vitest';
import { Ordinals } from './ordinals.ts';

const headers = (ordinal: number, { transaction = '00000016B374D848-757', part = 0 } = {}) =>
  `diptych-tx:1-${transaction}-${ordinal}-${part}-1795246912669491,id:x`;

test('each place counts once, whatever the order; a second time it is a repeat', () => {
  const ordinals = new Ordinals({ from: 3, to: 20 });
  for (const ordinal of [20, 3, 11, 10, 3, 20, 20]) ordinals.take(headers(ordinal));
  expect(ordinals.counted()).toEqual({ distinct: 4, repeated: 3, others: 0 });
});

test('a place that is not expected, another transaction and a record without identity are others', () => {
  const ordinals = new Ordinals({ from: 3, to: 20 });
  ordinals.take(headers(3));
  ordinals.take(headers(2));
  ordinals.take(headers(21));
  ordinals.take(headers(4, { transaction: '00000016B374D849-758' }));
  ordinals.take(headers(5, { part: 1 }));
  ordinals.take('NO_HEADERS');
  expect(ordinals.counted()).toEqual({ distinct: 1, repeated: 0, others: 5 });
});
