/** What the command shows of a service that rebuilds; the rebuilding itself: rebuild.e2e.test.ts. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { rebuild } from './rebuild-command.ts';

const building = (passed: number) => ({
  generation: 1,
  rebuild: { generation: 2, passed, of: 200, parked: passed === 100 ? 3 : 0 },
});

/** A service that answers the questions about `carts` in turn, the last answer for ever; null is no answer. */
async function withService(
  answers: readonly (object | null)[],
  use: (url: string) => Promise<void>,
  begun = { status: 202, body: { generation: 2 } as object },
): Promise<void> {
  let asked = 0;
  const server = createServer((request, response) => {
    if (request.method === 'POST') {
      response
        .writeHead(begun.status, { 'content-type': 'application/json' })
        .end(JSON.stringify(begun.body));
      return;
    }
    const answer = answers[Math.min(asked, answers.length - 1)];
    asked += 1;
    if (answer) response.end(JSON.stringify(answer));
    else response.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

async function shown(url: string, { isTTY }: { isTTY: boolean }): Promise<string> {
  const out = Object.assign(new PassThrough(), { isTTY });
  await rebuild({ url, name: 'carts', out, signal: new AbortController().signal });
  return String(out.read() ?? '');
}

const live = { generation: 2, rebuild: null };

test('a terminal is shown how far it is, on one line; anything else what came of it', async () => {
  await withService([building(50), building(100), live], async (url) => {
    const [, ...lines] = (await shown(url, { isTTY: true })).split('\r\u001b[K');
    expect(lines).toEqual([
      expect.stringMatching(/^carts {2}25 % {2}50 of 200 records, \d+\/s$/),
      expect.stringMatching(/^carts {2}50 % .* waits for a decision about 3 parked events$/),
      expect.stringMatching(/^carts is rebuilt: generation 2 is live after [\d.]+ s\n$/),
    ]);
  });
  await withService([building(50), live], async (url) => {
    expect(await shown(url, { isTTY: false })).toMatch(/^carts is rebuilt: [^\r]*\n$/);
  });
});

test('a service that is away for a moment is waited for; one that was overtaken by a later rebuild is done', async () => {
  await withService([building(50), null, { generation: 4, rebuild: null }], async (url) => {
    expect(await shown(url, { isTTY: false })).toContain('carts is rebuilt');
  });
});

test('refused, cancelled or nowhere: it says which', async () => {
  const failure = (url: string) => shown(url, { isTTY: false }).catch((error: unknown) => error);
  const said = (message: string) => ({ code: 'projection-rebuild-refused', message });
  await withService([{ generation: 1, rebuild: null }], async (url) => {
    expect(await failure(url)).toMatchObject(said('the rebuild of carts was cancelled'));
  });
  const title = 'It is being rebuilt already';
  const under = { status: 409, body: { title } };
  await withService([live], async (url) => expect(await failure(url)).toMatchObject(said(title)), under);
  const nowhere = 'http://127.0.0.1:9';
  expect(await failure(nowhere)).toMatchObject(said(`the projections at ${nowhere} do not answer`));
});
