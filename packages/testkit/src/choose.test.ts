import { expect, test } from 'vitest';
import { choose, type Environment, type Finding, type StackKind, wishOf } from './choose.ts';

const both = { DATABASE_URL: 'postgres://localhost/', KAFKA_BROKERS: 'localhost:9092' };
const wishes: [string, Environment, readonly StackKind[]][] = [
  ['nothing is set', {}, ['containers', 'embedded']],
  ['both URLs are set', both, ['external']],
  ['only DATABASE_URL is set', { DATABASE_URL: both.DATABASE_URL }, ['containers', 'embedded']],
  ['only KAFKA_BROKERS is set', { KAFKA_BROKERS: both.KAFKA_BROKERS }, ['containers', 'embedded']],
  ['an empty URL counts as unset', { ...both, DATABASE_URL: '' }, ['containers', 'embedded']],
  ['an empty DIPTYCH_STACK counts as unset', { DIPTYCH_STACK: '' }, ['containers', 'embedded']],
  ['embedded is named', { DIPTYCH_STACK: 'embedded' }, ['embedded']],
  ['embedded is named beside both URLs', { ...both, DIPTYCH_STACK: 'embedded' }, ['embedded']],
  ['containers is named', { DIPTYCH_STACK: 'containers' }, ['containers']],
  ['external is named with both URLs', { ...both, DIPTYCH_STACK: 'external' }, ['external']],
];

test.each(wishes)('what is wished for when %s', (_, env, kinds) => {
  expect(wishOf(env)).toMatchObject({ tag: 'candidates', kinds });
});

test.each<[string, Environment, RegExp]>([
  [
    'external lacks one URL',
    { DATABASE_URL: 'x', DIPTYCH_STACK: 'external' },
    /but KAFKA_BROKERS is not set/,
  ],
  ['external lacks both', { DIPTYCH_STACK: 'external' }, /but DATABASE_URL and KAFKA_BROKERS are not set/],
  ['the stack is unknown', { DIPTYCH_STACK: 'docker' }, /DIPTYCH_STACK=docker is not a stack/],
  ['the spelling is another', { DIPTYCH_STACK: 'Embedded' }, /is not a stack/],
])('the wish is refused when %s', (_, env, message) => {
  expect(wishOf(env)).toMatchObject({ tag: 'refused', message: expect.stringMatching(message) });
});

test('an unknown stack is answered with the known ones', () => {
  expect(wishOf({ DIPTYCH_STACK: 'docker' })).toMatchObject({
    remedy: expect.stringContaining('external, containers, embedded'),
  });
});

const available: Finding = { tag: 'available', why: 'it is there' };
const noEngine: Finding = {
  tag: 'missing',
  missing: [{ what: 'no container engine answers', way: 'install Docker' }],
};
const noJava: Finding = {
  tag: 'missing',
  missing: [
    { what: 'Java 17 or newer', way: 'apt-get install openjdk-17-jre-headless' },
    { what: 'Maven', way: 'apt-get install maven' },
  ],
};

function chosen(env: Environment, findings: readonly { kind: StackKind; finding: Finding }[]) {
  const wish = wishOf(env);
  if (wish.tag === 'refused') throw new Error(wish.message);
  return choose(wish, findings);
}

test('by itself containers are taken when they are available', () => {
  const choice = chosen({}, [{ kind: 'containers', finding: available }]);
  expect(choice).toEqual({ tag: 'chosen', kind: 'containers', why: 'it is there' });
});

test('by itself embedded is taken when containers are missing, and the reason is what they lack', () => {
  const choice = chosen({}, [
    { kind: 'containers', finding: noEngine },
    { kind: 'embedded', finding: available },
  ]);
  expect(choice).toEqual({ tag: 'chosen', kind: 'embedded', why: 'no container engine answers' });
});

test('when nothing can be had, one refusal names what each stack lacks and the way to it', () => {
  const choice = chosen({}, [
    { kind: 'containers', finding: noEngine },
    { kind: 'embedded', finding: noJava },
  ]);
  expect(choice).toMatchObject({
    tag: 'refused',
    message: [
      'neither Postgres nor Kafka can be had',
      '  containers: no container engine answers (install Docker)',
      '  embedded: Java 17 or newer (apt-get install openjdk-17-jre-headless); Maven (apt-get install maven)',
      '  external: DATABASE_URL and KAFKA_BROKERS are not set',
    ].join('\n'),
  });
});

test('a stack named explicitly never falls back', () => {
  const choice = chosen({ DIPTYCH_STACK: 'containers' }, [{ kind: 'containers', finding: noEngine }]);
  expect(choice).toMatchObject({
    tag: 'refused',
    message: expect.stringContaining('no container engine answers'),
  });
});

test('a stack named explicitly is its own reason', () => {
  const choice = chosen({ DIPTYCH_STACK: 'embedded' }, [{ kind: 'embedded', finding: available }]);
  expect(choice).toEqual({ tag: 'chosen', kind: 'embedded', why: 'DIPTYCH_STACK=embedded' });
});
