import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { centsMax, fromCents, money, moneySchema, nothing, sum, times, toCents } from './money.ts';

const cents = fc.bigInt({ min: -centsMax, max: centsMax });
const smallCents = fc.bigInt({ min: -1_000_000n, max: 1_000_000n });

describe('money', () => {
  test('every amount that numeric(12,2) holds survives the way to text and back', () => {
    fc.assert(
      fc.property(cents, (amount) => {
        expect(toCents(fromCents(amount))).toBe(amount);
      }),
    );
  });

  test('what is printed is what the schema reads', () => {
    fc.assert(
      fc.property(cents, (amount) => {
        expect(moneySchema.parse(fromCents(amount))).toBe(fromCents(amount));
      }),
    );
  });

  test('a sum does not depend on the order of its amounts', () => {
    fc.assert(
      fc.property(fc.array(smallCents, { maxLength: 50 }), (amounts) => {
        const forward = amounts.map(fromCents);
        expect(sum(forward)).toBe(sum(forward.toReversed()));
      }),
    );
  });

  test('the price of n pieces is the sum of n single prices', () => {
    fc.assert(
      fc.property(smallCents, fc.nat({ max: 50 }), (price, quantity) => {
        const unitPrice = fromCents(price);
        expect(times(unitPrice, quantity)).toBe(sum(Array.from({ length: quantity }, () => unitPrice)));
      }),
    );
  });

  test('ten times ten cents and twenty more are exactly one twenty', () => {
    expect(sum([times(money('0.10'), 10), money('0.20')])).toBe('1.20');
    expect(sum([money('0.10'), money('0.20')])).toBe('0.30');
    expect(sum([])).toBe(nothing);
  });

  test('a negative amount of less than one keeps its sign', () => {
    expect(toCents(money('-0.10'))).toBe(-10n);
    expect(fromCents(-5n)).toBe('-0.05');
  });

  test.each([
    '',
    '1',
    '1.0',
    '1.000',
    '-0.00',
    '01.00',
    '1e2',
    '+1.00',
    ' 1.00',
    '1,00',
    'NaN',
    '10000000000.00',
  ])('refuses the spelling "%s"', (text) => {
    expect(moneySchema.safeParse(text).success).toBe(false);
    expect(() => money(text)).toThrow('not money');
  });

  test('refuses a sum that numeric(12,2) cannot hold and a quantity that is not whole', () => {
    expect(() => sum([fromCents(centsMax), fromCents(1n)])).toThrow('do not fit');
    expect(() => times(money('1.00'), 0.5)).toThrow('not a whole number');
  });
});
