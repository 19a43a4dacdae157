import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digitsOf, putDigits, putHexDigits } from './digits.ts';

const bytes = Buffer.alloc(40);
const edges = [
  0,
  9,
  10,
  99,
  100,
  999_999_999,
  1e9,
  1e9 + 1,
  10_000_000_000,
  1e15,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
];
const whole = fc.oneof(
  fc.constantFrom(...edges, Number.MAX_SAFE_INTEGER),
  fc.nat(),
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
);

test('a number is written as its decimal digits, and nothing beside them', () => {
  fc.assert(
    fc.property(whole, (value) => {
      bytes.fill(0);
      const end = putDigits(bytes, 3, value);
      expect(bytes.toString('latin1', 3, end)).toBe(String(value));
      expect(end - 3).toBe(digitsOf(value));
      expect(bytes.subarray(0, 3).equals(Buffer.alloc(3))).toBe(true);
      expect(bytes[end]).toBe(0);
    }),
    { numRuns: 2000 },
  );
});

test('and as sixteen hexadecimal ones', () => {
  fc.assert(
    fc.property(whole, (value) => {
      expect(putHexDigits(bytes, 1, value)).toBe(17);
      expect(bytes.toString('latin1', 1, 17)).toBe(value.toString(16).toUpperCase().padStart(16, '0'));
    }),
    { numRuns: 2000 },
  );
});
