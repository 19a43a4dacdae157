/** Fields of payloads that are hidden: by path, exact on every other byte. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { editJson } from './json-edit.ts';
import { type JsonPath, parseJsonPath } from './json-path.ts';
import { PayloadMask, type PayloadSettings, parsePayloadRule } from './payload-mask.ts';

const kind = { aggregateType: 'cart', type: 'CartCheckedOut' };

function published(set: Partial<PayloadSettings>, payload: string, of: typeof kind = kind): string {
  const mask = new PayloadMask({ mask: [], hash: [], hashSalt: 'salt', drop: [], ...set });
  return mask.apply(of, Buffer.from(payload)).toString();
}

const sha256 = (text: string) => createHash('sha256').update(`salt${text}`).digest('hex');

describe('a field that is named', () => {
  test('is masked, hashed or left out, and every other byte stays as it was', () => {
    const payload =
      '{ "total":1.10e+400,"id" : 12345678901234567890,\n "email":"a\\u0040b", "iban": "DE1",  "n":[1 ,2]}';
    expect(published({ mask: ['$.email'] }, payload)).toBe(payload.replace('"a\\u0040b"', '"**********"'));
    expect(published({ hash: ['$.email'] }, payload)).toBe(payload.replace('a\\u0040b', sha256('a@b')));
    expect(published({ hash: ['$.id'] }, payload)).toBe(
      payload.replace('12345678901234567890', `"${sha256('12345678901234567890')}"`),
    );
    expect(published({ drop: ['$.iban'] }, payload)).toBe(payload.replace(', "iban": "DE1"', ''));
    expect(published({ drop: ['$.total', '$.id'] }, payload)).toBe(
      '{ "email":"a\\u0040b", "iban": "DE1",  "n":[1 ,2]}',
    );
  });

  test.each([
    ['$.a', '{"a": {"b": 1}, "c": {"a": 2}}', '{"a": "**********", "c": {"a": 2}}'],
    ['$..a', '{"a": 1, "c": [{"a": [2]}, 3]}', '{"a": "**********", "c": [{"a": "**********"}, 3]}'],
    ['$.l[*].a', '{"l": [{"a": 1}, {"b": 1}, 2]}', '{"l": [{"a": "**********"}, {"b": 1}, 2]}'],
    ['$.l.*', '{"l": [1, {}]}', '{"l": ["**********", "**********"]}'],
    ["$['a.b']['it\\'s']", `{"a.b": {"it's": 1}}`, `{"a.b": {"it's": "**********"}}`],
    ['$.größe', '{"gr\\u00f6\\u00dfe": 1}', '{"gr\\u00f6\\u00dfe": "**********"}'],
    ['$.a', '{"a": 1, "\\u0061": 2}', '{"a": "**********", "\\u0061": "**********"}'],
    ['$.a', '{"b": "\\"a\\": 1", "a": null}', '{"b": "\\"a\\": 1", "a": null}'],
    ['$.a', '[{"a": 1}]', '[{"a": 1}]'],
    ['$.a', '"a"', '"a"'],
  ])('%s of %s', (path, payload, expected) => {
    expect(published({ mask: [path] }, payload)).toBe(expected);
  });

  test('is what is left of it by the strictest of several rules', () => {
    const rules = { hash: ['$.a'], mask: ['$.a', '$.b'], drop: ['$..b'] };
    expect(published(rules, '{"a": 1, "b": {"a": 2}}')).toBe('{"a": "**********"}');
  });

  test('is of the events that the rule names, and of those whose row does not tell what they are', () => {
    const rules = { drop: ['cart:CartChecked*:$.a', 'order:$.b'] };
    expect(published(rules, '{"a": 1, "b": 2}')).toBe('{"b": 2}');
    expect(published(rules, '{"a": 1, "b": 2}', { ...kind, type: 'CartCreated' })).toBe('{"a": 1, "b": 2}');
    expect(published(rules, '{"a": 1, "b": 2}', { aggregateType: 'order', type: 'X' })).toBe('{"a": 1}');
    const mask = new PayloadMask({ mask: rules.drop, hash: [], hashSalt: '', drop: [] });
    const unknown = mask.apply({ aggregateType: null, type: null }, Buffer.from('{"a": 1, "b": 2}'));
    expect(unknown.toString()).toBe('{"a": "**********", "b": "**********"}');
  });
});

test('a rule is a path, alone or behind one or two types', () => {
  expect(parsePayloadRule('cart:*:$.a')).toEqual({
    aggregateType: 'cart',
    type: '*',
    path: parseJsonPath('$.a'),
  });
  expect(parsePayloadRule('$..a')).toEqual({
    aggregateType: '*',
    type: '*',
    path: [{ name: 'a', deep: true }],
  });
  for (const none of [
    '',
    'cart',
    'cart:',
    '$',
    'a.b',
    '$.',
    '$.a[0]',
    '$.a b',
    'a:b:c:$.d',
    "$['a]",
    "$['a.b']['it''s'.no]",
  ])
    expect(() => parsePayloadRule(none), none).toThrow(SyntaxError);
});

/** What was thrown; null when nothing was. */
function refusalOf(work: () => unknown): unknown {
  try {
    work();
    return null;
  } catch (error) {
    return error;
  }
}

describe('a payload that cannot be masked', () => {
  test.each(['not json', '{"a": 1', '\\x7b7d', `${'[{"b":'.repeat(1000)}1`])(
    'is refused without its bytes: %s',
    (payload) => {
      const error = refusalOf(() => published({ mask: ['$..a'] }, payload));
      expect(error).toMatchObject({ code: 'payload-not-maskable', retry: 'operator' });
      expect(JSON.stringify([error, String(error)])).not.toContain(payload.slice(0, 8));
    },
  );

  test('is refused where it is nested too deep to be looked into, and passed where nothing has to be found', () => {
    const deep = `${'[{"b":'.repeat(2000)}1${'}]'.repeat(2000)}`;
    expect(() => published({ mask: ['$..a'] }, deep)).toThrow(/too long, or nested too deep/);
    expect(published({ mask: ['$.a'] }, deep)).toBe(deep);
    expect(published({ mask: ['order:$..a'] }, 'not json')).toBe('not json');
  });

  test('many names on the way to one place take no more than one look each', () => {
    const deep = `${'{"a":'.repeat(900)}1${'}'.repeat(900)}`;
    const path = `$${'..a'.repeat(20)}`;
    expect(published({ mask: [path] }, deep)).toContain('"**********"');
  });
});

/** JSON as a tree that remembers its blanks, numbers as they were written. */
type Node =
  | { readonly tag: 'word'; readonly text: string }
  | { readonly tag: 'object'; readonly children: readonly Child[]; readonly blank: string }
  | { readonly tag: 'array'; readonly children: readonly Child[]; readonly blank: string };

interface Child {
  readonly name: string;
  /** How the name is written. */
  readonly written: string;
  readonly node: Node;
  readonly blanks: readonly [string, string, string, string];
}

const names = ['a', 'b', 'é', 'x y'];
const blank = fc.constantFrom('', '', ' ', '\n\t');
const name = fc
  .constantFrom(...names)
  .chain((one) =>
    fc
      .constantFrom(
        JSON.stringify(one),
        `"\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}${one.slice(1)}"`,
      )
      .map((written) => ({ name: one, written })),
  );
const word = fc.oneof(
  fc.constantFrom(
    'null',
    'true',
    '-0',
    '1E+400',
    '123456789012345678901234567890.10',
    '"{\\"a\\":[1,2]}"',
    '"\\\\"',
  ),
  fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
);

const { tree } = fc.letrec<{ tree: Node; children: readonly Child[] }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    word.map((text): Node => ({ tag: 'word', text })),
    fc.record({
      tag: fc.constantFrom('object' as const, 'array' as const),
      children: tie('children'),
      blank,
    }),
  ),
  children: fc.array(
    fc
      .record({ named: name, node: tie('tree'), blanks: fc.tuple(blank, blank, blank, blank) })
      .map(({ named, node, blanks }) => ({ ...named, node, blanks })),
    { maxLength: 4 },
  ),
}));

function render(node: Node, isCompact = false): string {
  if (node.tag === 'word') return node.text;
  const [open, close] = node.tag === 'object' ? '{}' : '[]';
  const children = node.children.map(
    ({ written, node: value, blanks: [before, afterName, beforeValue, after] }) => {
      const head =
        node.tag === 'object'
          ? `${written}${isCompact ? '' : afterName}:${isCompact ? '' : beforeValue}`
          : '';
      return isCompact ? head + render(value, true) : `${before}${head}${render(value)}${after}`;
    },
  );
  return `${open}${children.join(',') || (isCompact ? '' : node.blank)}${close}`;
}

/** The same, said of the tree: a path is matched by going down it, one step at a time. */
function edited(node: Node, states: readonly JsonPath[], by: string | null): Node {
  if (node.tag === 'word') return node;
  const children = node.children.flatMap((child): Child[] => {
    const own = node.tag === 'object' ? child.name : null;
    const next = states.flatMap(([step, ...rest]) => {
      if (!step) return [];
      const hit = step.name === null || step.name === own ? [rest] : [];
      return step.deep ? [...hit, [step, ...rest]] : hit;
    });
    if (!next.some((rest) => rest.length === 0)) return [{ ...child, node: edited(child.node, next, by) }];
    return by === null ? [] : [{ ...child, node: { tag: 'word', text: by } }];
  });
  return { ...node, children };
}

const paths: fc.Arbitrary<JsonPath> = fc.array(
  fc.record({ name: fc.option(fc.constantFrom(...names)), deep: fc.boolean() }),
  { minLength: 1, maxLength: 3 },
);

test('whatever the JSON and the paths: what they name is replaced in the same bytes, or gone, and nothing else changes', () => {
  fc.assert(
    fc.property(tree, fc.array(paths, { minLength: 1, maxLength: 3 }), (node, all) => {
      const json = Buffer.from(render(node));
      const by = '"hidden"';
      const replaced = editJson(
        json,
        all.map((path) => ({ path, replace: () => Buffer.from(by) })),
      );
      expect(replaced.toString()).toBe(render(edited(node, all, by)));
      const dropped = editJson(
        json,
        all.map((path) => ({ path, replace: () => null })),
      );
      const rest = edited(node, all, null);
      expect(withoutBlanks(dropped.toString())).toBe(render(rest, true));
      // Where nothing is named, the same buffer comes back.
      expect(dropped === json).toBe(render(rest) === json.toString());
    }),
    { numRuns: 2000 },
  );
});

/** Blanks outside strings. */
const withoutBlanks = (json: string): string => json.replace(/("(?:[^"\\]|\\.)*")|[ \n\t]+/gs, '$1');
