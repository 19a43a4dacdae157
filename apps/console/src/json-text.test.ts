import fc from 'fast-check';
import { expect, test } from 'vitest';
import { indented } from './json-text.ts';

test('a payload is indented and says the same', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(indented(JSON.stringify(value)))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
  expect(indented('{"a":[1,{}],"b":"{,}"}')).toBe('{\n  "a": [\n    1,\n    {}\n  ],\n  "b": "{,}"\n}');
});

test('no digit of a payload is lost to a double, and what was cut in its middle is shown all the same', () => {
  expect(indented('{"big":9007199254740993,"amount":1.10}')).toContain('9007199254740993');
  expect(indented('{"amount":1.10}')).toContain('1.10');
  expect(indented('{"a":["b')).toBe('{\n  "a": [\n    "b');
});
