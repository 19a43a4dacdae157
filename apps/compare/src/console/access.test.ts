import { OperatingError } from '@diptych/runtime/failure';
import fastify from 'fastify';
import { expect, test } from 'vitest';
import { type AccessOptions, guard, requireToken, takeToken } from './access.ts';

const token = 'a token of some length';

function app(options: Partial<AccessOptions> = {}) {
  const access: AccessOptions = { host: '127.0.0.1', token: null, names: [], ...options };
  const server = fastify();
  guard(server, access);
  server.get('/api/rows', () => ({ rows: 1 }));
  server.post('/api/rows', () => ({ rows: 2 }));
  server.get('/view', (request, reply) => takeToken(request, reply, access) ?? reply.send('page'));
  return async (method: 'GET' | 'POST', url: string, headers: Record<string, string> = {}) => {
    const { host = 'localhost:8084', ...more } = headers;
    return await server.inject({
      method,
      url,
      headers: { host, ...more },
      ...(url === '/login' ? { payload: { token } } : {}),
    });
  };
}

test('beyond this machine it demands a token that nobody guesses', () => {
  const outcome = (host: string, given: string | null): string => {
    try {
      requireToken({ host, token: given });
      return 'listens';
    } catch (error) {
      return error instanceof OperatingError ? error.code : 'crashes';
    }
  };
  expect(['127.0.0.1', '127.9.9.9', '::1', 'localhost'].map((host) => outcome(host, null))).toEqual(
    Array.from({ length: 4 }, () => 'listens'),
  );
  expect(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.org'].map((host) => outcome(host, null))).toEqual(
    Array.from({ length: 4 }, () => 'configuration-invalid'),
  );
  expect(outcome('0.0.0.0', token)).toBe('listens');
  expect(outcome('0.0.0.0', 'short')).toBe('configuration-invalid');
});

test('a name that is not its own is refused: a page elsewhere can point its name at this address', async () => {
  const ask = app({ names: ['console.example.org'] });
  const codes = async (...hosts: string[]) =>
    await Promise.all(hosts.map(async (host) => (await ask('GET', '/api/rows', { host })).statusCode));
  expect(await codes('localhost:1', '127.0.0.1', '[::1]:8084', 'Console.Example.org')).toEqual([
    200, 200, 200, 200,
  ]);
  expect(await codes('evil.example.org', 'localhost.evil.org', '127.0.0.1.evil.org:80', 'evil')).toEqual([
    421, 421, 421, 421,
  ]);
});

test('with a token only those who have it are shown data: as bearer, by the form, or once in a link', async () => {
  const ask = app({ token });
  const refused = await ask('GET', '/api/rows');
  expect(refused.statusCode).toBe(401);
  expect(refused.json()).toMatchObject({ code: 'token-required' });
  for (const spelt of ['/%61pi/rows', '/api/rows?x', '/api/%72ows'])
    expect((await ask('GET', spelt)).statusCode).toBe(401);
  expect((await ask('GET', '/api/rows', { authorization: 'Bearer another' })).statusCode).toBe(401);
  expect((await ask('GET', '/api/rows', { cookie: `diptych-console=${token}` })).statusCode).toBe(401);
  expect((await ask('GET', '/api/rows', { authorization: `Bearer ${token}` })).statusCode).toBe(200);

  const login = await ask('POST', '/login', { 'diptych-console': '1' });
  expect(login.statusCode).toBe(204);
  const cookie = String(login.headers['set-cookie']);
  expect(cookie).toMatch(/^diptych-console=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+$/);
  expect(cookie).not.toContain(token);
  const held = cookie.split(';')[0] ?? '';
  expect((await ask('GET', '/api/rows', { cookie: `other=1; ${held}` })).statusCode).toBe(200);
  expect((await app({ token: `${token}!` })('GET', '/api/rows', { cookie: held })).statusCode).toBe(401);

  const link = await ask('GET', `//evil.org/view?token=${encodeURIComponent(token)}`);
  expect(link.statusCode).toBe(404);
  const right = await ask('GET', `/view?token=${encodeURIComponent(token)}&type=A`);
  expect(right).toMatchObject({ statusCode: 303, headers: { location: '/view?type=A' } });
  expect(String(right.headers['set-cookie'])).toContain(held);
  const wrong = await ask('GET', '/view?token=wrong');
  expect([wrong.statusCode, wrong.headers['set-cookie']]).toEqual([303, undefined]);
});

test('what changes something comes from the own page: a form or a script elsewhere is refused', async () => {
  const ask = app();
  const code = async (headers: Record<string, string>) =>
    (await ask('POST', '/api/rows', headers)).statusCode;
  const own = { 'diptych-console': '1' };
  expect(await code({})).toBe(403);
  expect(await code({ ...own, origin: 'https://evil.example.org' })).toBe(403);
  expect(await code({ ...own, origin: 'null' })).toBe(403);
  expect(await code({ ...own, 'sec-fetch-site': 'cross-site' })).toBe(403);
  expect(await code({ ...own, origin: 'http://localhost:8084', 'sec-fetch-site': 'same-origin' })).toBe(200);
  expect(await code(own)).toBe(200);
});

test('every answer, a refusal too, forbids foreign scripts, frames and guesses', async () => {
  for (const url of ['/api/rows', '/view', '/nowhere']) {
    const { headers } = await app()('GET', url);
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
  }
});
