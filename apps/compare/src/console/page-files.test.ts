import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@diptych/runtime/log';
import fastify from 'fastify';
import { expect, onTestFinished, test } from 'vitest';
import { servePage } from './page-files.ts';
import { answerErrors } from './problems.ts';

async function pageIn(directory: string) {
  const app = fastify();
  answerErrors(app, createLogger('test', { level: 'silent' }));
  await servePage(app, { directory, access: { host: '127.0.0.1', token: null, names: [] } });
  return async (url: string, headers: Record<string, string> = {}) => await app.inject({ url, headers });
}

async function built(): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'page-'));
  onTestFinished(async () => await rm(parent, { recursive: true }));
  const directory = join(parent, 'dist');
  await mkdir(join(directory, 'assets'), { recursive: true });
  await writeFile(join(parent, 'hidden.txt'), 'secret');
  await writeFile(join(directory, 'index.html'), '<!doctype html>the page');
  await writeFile(join(directory, 'assets', 'main-1a2b3c.js'), 'run()');
  return directory;
}

test('a view of the page is the page; what has a hash in its name is kept for ever, the rest is asked for again', async () => {
  const get = await pageIn(await built());
  for (const url of ['/', '/aggregates/cart/101', '/?type=A']) {
    const { statusCode, body, headers } = await get(url);
    expect([url, statusCode, body]).toEqual([url, 200, '<!doctype html>the page']);
    expect(headers).toMatchObject({
      'cache-control': 'no-cache',
      'content-type': 'text/html; charset=utf-8',
    });
  }
  const { headers, body } = await get('/assets/main-1a2b3c.js');
  expect(body).toBe('run()');
  expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
  expect((await get('/assets/main-1a2b3c.js', { 'if-none-match': String(headers.etag) })).statusCode).toBe(
    304,
  );
  for (const url of ['/assets/gone.js', '/api/nothing', '/await/x'])
    expect((await get(url)).statusCode).toBe(404);
});

test('nothing outside the built page is served, and without one it says how to build it', async () => {
  const directory = await built();
  const get = await pageIn(directory);
  const outside = [
    '/../hidden.txt',
    '/%2e%2e/hidden.txt',
    '/..%2fhidden.txt',
    '/assets/..%2f..%2fhidden.txt',
  ];
  for (const url of outside) expect((await get(url)).body).not.toContain('secret');
  const missing = await pageIn(join(directory, 'nowhere'));
  expect((await missing('/')).body).toContain('npm run build --workspace apps/console');
});
