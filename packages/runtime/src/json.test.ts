import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseLossless, parseLosslessMembers, stringifyLossless } from './json.ts';

test('a bigint beyond 2^53 is read to the last digit', () => {
  expect(parseLossless('{"n": [9007199254740993, -9223372036854775808]}')).toEqual({
    n: [9007199254740993n, -9223372036854775808n],
  });
});

test('integers that a double holds, and other numbers, stay numbers', () => {
  expect(parseLossless('[0, -7, 9007199254740991, 1.5, 1e300, 0.1]')).toEqual([
    0, -7, 9007199254740991, 1.5, 1e300, 0.1,
  ]);
});

test('digits inside a string are left alone', () => {
  expect(parseLossless('{"price": "1.10", "id": "9007199254740993"}')).toEqual({
    price: '1.10',
    id: '9007199254740993',
  });
});

test('what was read is written with the same digits', () => {
  const text = '{"n":9007199254740993,"list":[-9223372036854775808,1,null,true,"x"]}';
  expect(stringifyLossless(parseLossless(text))).toBe(text);
});

test('of an object that is read for some members those are exact', () => {
  const text = '{"after":{"id":9007199254740993},"ts_ns":9007199254740993}';
  expect(parseLosslessMembers(text, ['after'])).toMatchObject({ after: { id: 9007199254740993n } });
  expect(parseLosslessMembers('{"after":{"id":1},"ts_ns":9007199254740993}', ['after'])).toMatchObject({
    after: { id: 1 },
  });
  expect(parseLosslessMembers('[9007199254740993]', ['after'])).toEqual([9007199254740993n]);
});

test('whatever was written is written again with the same digits', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }), (value, big) => {
      const text = stringifyLossless({ deep: [{ value, big }] });
      expect(stringifyLossless(parseLossless(text))).toBe(text);
    }),
  );
});
