import { describe, expect, test } from 'vitest';
import { sanitize, TopicNames } from './topic-name.ts';

test('characters that Kafka does not allow become underscores', () => {
  expect(sanitize('diptych.public.Größe der Körbe')).toBe('diptych.public.Gr__e_der_K_rbe');
  expect(sanitize('a-b_c.D9')).toBe('a-b_c.D9');
});

describe('a topic has one source', () => {
  test('the same source asks as often as it likes', () => {
    const names = new TopicNames();
    expect(names.of('table a.b', 'p.a.b')).toBe('p.a.b');
    expect(names.of('table a.b', 'p.a.b')).toBe('p.a.b');
  });

  test.each([
    ['are sanitized to the same name', 'p.s.a b', 'p.s.a?b'],
    ['differ only in dots and underscores, which Kafka refuses', 'p.a.b_c', 'p.a_b.c'],
  ])('two sources whose topics %s are refused by name', (_, one, other) => {
    const names = new TopicNames();
    names.of('table one', one);
    expect(() => names.of('table other', other)).toThrow(
      expect.objectContaining({
        code: 'topic-name-collision',
        message: expect.stringMatching(/^table other and table one would share/),
      }),
    );
  });
});

test('a name that Kafka cannot hold is refused', () => {
  const names = new TopicNames();
  expect(names.of('one', 'x'.repeat(249))).toHaveLength(249);
  expect(() => names.of('other', 'y'.repeat(250))).toThrow(
    expect.objectContaining({ code: 'topic-not-creatable' }),
  );
});

test('there are no more topics than topicsMax', () => {
  const names = new TopicNames({ topicsMax: 2 });
  names.of('1', 'a');
  names.of('2', 'b');
  expect(names.of('1', 'a')).toBe('a');
  expect(() => names.of('3', 'c')).toThrow(expect.objectContaining({ code: 'topics-exhausted' }));
});
