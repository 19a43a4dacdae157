import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createServer, drain, listen, metricsRoute, refusing, serve } from './http-server.ts';

const kinds = {
  'route-not-found': { status: 404, title: 'There is nothing here' },
  'request-invalid': { status: 400, title: 'The request is not valid' },
  'internal-error': { status: 500, title: 'Something went wrong here' },
  'database-away': { status: 503, title: 'The database is away' },
} as const;

const metrics = { contentType: 'text/plain', read: async () => 'answers 42\n' };
const here = { host: '127.0.0.1', port: 0, setting: 'PORT' };

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

function server() {
  const app = createServer({
    ...{ log: null, bodyBytesMax: 100, kinds },
    explain: (error) => (error instanceof Error && error.message === 'away' ? 'database-away' : null),
  });
  app.post('/echo', () => ({ ok: true }));
  app.get('/fails', () => {
    throw new Error('row value 4711');
  });
  app.get('/away', () => {
    throw new Error('away');
  });
  return app;
}

async function started(): Promise<string> {
  const app = server();
  closers.push(() => drain(app));
  return await listen(app, here);
}

/** What the server answers to bytes, until it hangs up. */
async function answerTo(url: string, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk.toString();
  });
  socket.on('error', () => {});
  socket.write(bytes);
  await once(socket, 'close');
  return answer;
}

test('whatever goes wrong is a problem document: no stack, no value, no banner', async () => {
  const url = await started();
  const ask = async (path: string, options?: RequestInit) => {
    const answer = await fetch(`${url}${path}`, options);
    return { answer, text: await answer.text() };
  };
  const json = { method: 'POST', headers: { 'content-type': 'application/json' } };
  for (const [path, options, status, code] of [
    ['/nothing', undefined, 404, 'route-not-found'],
    ['/%zz', undefined, 400, 'request-invalid'],
    ['/fails', undefined, 500, 'internal-error'],
    ['/away', undefined, 503, 'database-away'],
    ['/echo', { ...json, body: JSON.stringify('x'.repeat(200)) }, 400, 'request-invalid'],
    ['/echo', { ...json, body: '{' }, 400, 'request-invalid'],
  ] as const) {
    const { answer, text } = await ask(path, options);
    expect([path, answer.status, JSON.parse(text)]).toMatchObject([path, status, { status, code }]);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(text).not.toMatch(/4711|\.ts:\d|node_modules/);
    expect([...answer.headers.keys()]).not.toEqual(expect.arrayContaining(['server']));
    expect(answer.headers.get('x-powered-by')).toBe(null);
  }
});

test('headers beyond their bound end the connection with 431, and say nothing of what serves it', async () => {
  const url = await started();
  const answer = await answerTo(url, `GET / HTTP/1.1\r\nhost: x\r\nx-long: ${'y'.repeat(20_000)}\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  expect(answer).not.toMatch(/fastify|node|server:/i);
});

test('metrics with a port of their own are there and not at the other one', async () => {
  const served = async (metricsPort?: number) => {
    const app = server();
    if (metricsPort === undefined) metricsRoute(app, metrics);
    const said: string[] = [];
    const stop = async () => void said.push('stop');
    const end = async () => void said.push('end');
    const { url, metricsUrl, close } = await serve(app, { ...here, metrics, metricsPort, stop, end });
    return { url, metricsUrl, close, said };
  };
  const [together, apart] = [await served(), await served(0)];
  const status = async (url: string) => (await fetch(`${url}/metrics`)).status;
  expect(together.metricsUrl).toBe(together.url);
  expect(await status(together.url)).toBe(200);
  expect(await status(apart.url)).toBe(404);
  expect(await (await fetch(`${apart.metricsUrl}/metrics`)).text()).toBe('answers 42\n');
  for (const { close, said } of [together, apart]) {
    await close();
    expect(said).toEqual(['stop', 'end']);
  }
});

test('a port that is taken is said with its setting, and what was started is closed', async () => {
  const taken = Number(new URL(await started()).port);
  const said: string[] = [];
  const serving = serve(server(), {
    ...{ host: '127.0.0.1', port: taken, metrics },
    stop: async () => void said.push('stop'),
    end: async () => void said.push('end'),
  });
  await expect(serving).rejects.toMatchObject({
    code: 'port-taken',
    remedy: expect.stringContaining('PORT'),
  });
  expect(said).toEqual(['stop', 'end']);
});

test('a table of codes makes the function that refuses by them', () => {
  const said: unknown[] = [];
  const reply = new Proxy(
    {},
    {
      get:
        (_, name) =>
        (...args: unknown[]) => {
          said.push([name, ...args]);
          return reply;
        },
    },
  );
  refusing(kinds)(reply as never, { code: 'database-away', detail: 'soon' });
  expect(said).toEqual([
    ['header', 'retry-after', 1],
    ['code', 503],
    ['type', 'application/problem+json'],
    [
      'send',
      {
        type: 'urn:diptych:problem:database-away',
        title: 'The database is away',
        status: 503,
        code: 'database-away',
        detail: 'soon',
      },
    ],
  ]);
});
