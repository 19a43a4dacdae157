import type { DomainEvent } from '@diptych/compare/console-api';
import { expect, test } from 'vitest';
import { bytes, counted, duration } from './figures.ts';
import { comparePositions, details, spoken } from './wording.ts';

const event: DomainEvent = {
  ...{ ordinal: 1, id: null, type: 'ItemAdded', aggregateType: 'cart', key: '101', aggregateVersion: '2' },
  words: 'ItemAdded  cart 101  banana ×1  $1.00  (customer: on sale)',
  ...{ actor: 'customer', reason: 'on sale', payload: { text: '{}', cut: false }, released: false },
};

test('an event is said in words, once: its type, what it is about and who stand beside them', () => {
  expect(spoken('ItemAdded')).toBe('Item added');
  expect(spoken('CartCheckedOut')).toBe('Cart checked out');
  expect(spoken('order.placed')).toBe('order.placed');
  expect(details(event)).toBe('banana ×1  $1.00');
  expect(details({ ...event, actor: null })).toContain('(customer: on sale)');
});

test('positions are in commit order, whatever the timeline', () => {
  const ordered = ['9-00000016B374D848', '10-0000000000000001', '10-00000000000000FF'];
  expect(ordered.toReversed().sort(comparePositions)).toEqual(ordered);
});

test('figures have their units, and one is not many', () => {
  expect([duration(12), duration(3400), duration(90_000), duration(7_200_000)]).toEqual([
    ...['12 ms', '3.4 s', '1.5 min', '2 h'],
  ]);
  expect([bytes(512), bytes(16_384), bytes(1_572_864)]).toEqual(['512 B', '16 KiB', '1.5 MiB']);
  expect([counted(1, 'leak'), counted(2000, 'leak')]).toEqual(['1 leak', '2,000 leaks']);
});
