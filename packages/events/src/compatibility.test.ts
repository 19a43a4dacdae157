import { expect, test } from 'vitest';
import { z } from 'zod';
import { differences } from './compatibility.ts';

const schema = (of: z.ZodType) => z.toJSONSchema(of, { io: 'input' });

/** `path: what`, with R and H for what it breaks. */
function between(before: z.ZodType, after: z.ZodType): string[] {
  return differences(schema(before), schema(after)).map(
    ({ path, what, breaksReaders, breaksHistory }) =>
      `${path}: ${what}${breaksReaders ? ' R' : ''}${breaksHistory ? ' H' : ''}`,
  );
}

test.each<[string, z.ZodType, z.ZodType, string[]]>([
  ['nothing', z.object({ a: z.string() }), z.object({ a: z.string().describe('else') }), []],
  ['a field that may be added', z.object({}), z.object({ a: z.string().optional() }), ['a: added']],
  [
    'a field that must be added',
    z.object({}),
    z.object({ a: z.string() }),
    ['a: added, and must be there H'],
  ],
  ['a needed field removed', z.object({ a: z.string() }), z.object({}), ['a: removed R']],
  ['another field removed', z.object({ a: z.string().optional() }), z.object({}), ['a: removed']],
  [
    'a field that may be missing',
    z.object({ a: z.string() }),
    z.object({ a: z.string().optional() }),
    ['a: may be missing now R'],
  ],
  [
    'a field that must be there',
    z.object({ a: z.string().optional() }),
    z.object({ a: z.string() }),
    ['a: must be there now H'],
  ],
  [
    'another type, deep inside',
    z.object({ a: z.array(z.object({ b: z.string() })) }),
    z.object({ a: z.array(z.object({ b: z.number() })) }),
    ['a[].b: type was "string", is "number" R H'],
  ],
  ['a value more', z.enum(['a']), z.enum(['a', 'b']), [': may be "b" now R']],
  ['a value less', z.enum(['a', 'b']), z.enum(['a']), [': may not be "b" any more H']],
  ['certain values only', z.string(), z.enum(['a']), [': has only certain values now H']],
  [
    'another bound',
    z.object({ a: z.string().min(1) }),
    z.object({ a: z.string() }),
    ['a: minLength was 1, is not set R H'],
  ],
])('%s', (_what, before, after, expected) => {
  expect(between(before, after)).toEqual(expected);
});
