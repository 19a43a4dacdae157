import { expect, test } from 'vitest';
import { initialMarker } from './marker.ts';

const place = { isFirst: false, isFirstOfTable: false, isLastOfTable: false, isLast: false };

test('each row of an initial snapshot has Debezium’s marker for its place', () => {
  const of = (some: Partial<typeof place>) => initialMarker({ ...place, ...some });
  expect(of({ isFirst: true, isFirstOfTable: true })).toBe('first');
  expect(of({ isFirstOfTable: true })).toBe('first_in_data_collection');
  expect(of({})).toBe('true');
  expect(of({ isFirstOfTable: true, isLastOfTable: true })).toBe('last_in_data_collection');
  expect(of({ isFirst: true, isFirstOfTable: true, isLastOfTable: true, isLast: true })).toBe('last');
});
