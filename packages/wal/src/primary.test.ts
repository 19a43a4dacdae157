import { OperatingError } from '@diptych/runtime/failure';
import { expect, test } from 'vitest';
import { choosePrimary, serversOf } from './primary.ts';

test.each([
  ['postgres://u:p@a:5432,b:5433/shop', ['postgres://u:p@a:5432/shop', 'postgres://u:p@b:5433/shop']],
  [
    'postgresql://u:p%40@a,[::1]:1/shop?target_session_attrs=read-write&sslmode=require',
    ['postgresql://u:p%40@a/shop?sslmode=require', 'postgresql://u:p%40@[::1]:1/shop?sslmode=require'],
  ],
  ['postgres://u:p,q@a:5432/shop', ['postgres://u:p,q@a:5432/shop']],
  ['postgres:///shop?host=/run', ['postgres:///shop?host=/run']],
])('a URL of several servers is one for each, with what else it says: %s', (url, urls) => {
  expect(serversOf(url).map((server) => server.url)).toEqual(urls);
});

test('a URL that asks for a standby is refused', () => {
  expect(() => serversOf('postgres://a,b/shop?target_session_attrs=prefer-standby')).toThrow(
    expect.objectContaining({ code: 'configuration-invalid' }),
  );
});

const [a, b] = serversOf('postgres://u:secret@a,b/shop') as [
  ReturnType<typeof serversOf>[0],
  ReturnType<typeof serversOf>[0],
];
const failed = (code: 'postgres-unreachable' | 'postgres-refused-login') =>
  ({ tag: 'failed', server: a, failure: new OperatingError(code, 'no', { remedy: 'wait' }) }) as const;

test('of two that say they are the primary, the one of the newest timeline is', () => {
  const old = { tag: 'primary', server: a, timeline: 2 } as const;
  const promoted = { tag: 'primary', server: b, timeline: 10 } as const;
  expect(choosePrimary([old, promoted])).toBe(b.url);
  expect(choosePrimary([promoted, old])).toBe(b.url);
});

test('a server that is down or a standby is passed over', () => {
  const primary = { tag: 'primary', server: b, timeline: 1 } as const;
  expect(choosePrimary([failed('postgres-unreachable'), primary])).toBe(b.url);
  expect(choosePrimary([{ tag: 'standby', server: a }, primary])).toBe(b.url);
});

test('without a primary the answer says what each one is, and never the password', () => {
  const standby = { tag: 'standby', server: b } as const;
  const waits = {
    code: 'postgres-is-standby',
    retry: 'timed',
    message: expect.stringMatching(/b is a standby/),
  };
  expect(() => choosePrimary([failed('postgres-unreachable'), standby])).toThrow(
    expect.objectContaining(waits),
  );
  const both = [failed('postgres-refused-login'), failed('postgres-unreachable')];
  expect(() => choosePrimary(both)).toThrow(expect.objectContaining({ code: 'postgres-unreachable' }));
  expect(() => choosePrimary([failed('postgres-refused-login')])).toThrow(
    expect.objectContaining({ code: 'postgres-refused-login', message: expect.not.stringMatching(/secret/) }),
  );
});
