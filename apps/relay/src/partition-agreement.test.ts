import { expect, test } from 'vitest';
import { PartitionAgreement } from './partition-agreement.ts';

const found = (counts: Record<string, number>) => new Map(Object.entries(counts));

function agreed(counts: Record<string, number>): PartitionAgreement {
  const agreement = new PartitionAgreement();
  agreement.resume(counts);
  return agreement;
}

test('the first number is agreed, and stays whatever is found later', () => {
  const agreement = new PartitionAgreement();
  expect(agreement.of('a')).toBeUndefined();
  agreement.agree(found({ a: 6 }));
  agreement.agree(found({ a: 12 }));
  expect(agreement.of('a')).toBe(6);
  expect(agreement.partitions).toEqual({ a: 6 });
});

test('more partitions are told and change nothing', () => {
  const agreement = agreed({ a: 6, b: 3 });
  expect(agreement.compare(found({ a: 12, b: 3, other: 1 }))).toEqual([{ topic: 'a', agreed: 6, found: 12 }]);
  expect(agreement.partitions).toEqual({ a: 6, b: 3 });
});

test('fewer partitions are refused, with both numbers', () => {
  expect(() => agreed({ a: 6 }).compare(found({ a: 2 }))).toThrow(
    'has 2 partitions, and its keys were placed in 6',
  );
});

test('a topic that is not found just now is not forgotten', () => {
  const agreement = agreed({ a: 6 });
  expect(agreement.compare(found({}))).toEqual([]);
  expect(agreement.of('a')).toBe(6);
});

test('what the operator accepts is agreed from then on', () => {
  const agreement = agreed({ a: 6, b: 6 });
  expect(agreement.accept(found({ a: 12, b: 2 }))).toHaveLength(2);
  expect(agreement.partitions).toEqual({ a: 12, b: 2 });
});
