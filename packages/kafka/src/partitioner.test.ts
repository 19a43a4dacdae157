import { expect, test } from 'vitest';
import { murmur2, partitionOf } from './partitioner.ts';

// From Kafka's own UtilsTest.testMurmur2.
test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('murmur2 of %s is what Java computes', (text, hash) => {
  expect(murmur2(Buffer.from(text))).toBe(hash);
});

test('a negative hash still gives a partition of the topic', () => {
  expect(partitionOf(Buffer.from('21'), 6)).toBe((-973932308 & 0x7fffffff) % 6);
});

test('a null key goes to partition 0', () => {
  expect(partitionOf(null, 6)).toBe(0);
});

test('an empty key is a key', () => {
  expect(partitionOf(Buffer.alloc(0), 6)).toBe((murmur2(Buffer.alloc(0)) & 0x7fffffff) % 6);
});
