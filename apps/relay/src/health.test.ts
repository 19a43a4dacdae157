import { afterEach, expect, test } from 'vitest';
import { Board, type Role } from './board.ts';
import { type HealthServer, serveHealth } from './health.ts';
import { Metrics } from './metrics.ts';

let server: HealthServer | null = null;
afterEach(() => server?.close());

test.each<[Role, number]>([
  ['active', 200],
  ['standby', 200],
  ['starting', 503],
  ['backing-off', 503],
  ['stopped', 503],
])('a relay that is %s answers /readyz with %i, and is healthy', async (role, status) => {
  const board = new Board();
  board.role = role;
  server = await serveHealth({ board, metrics: new Metrics(board), host: '127.0.0.1', port: 0 });
  const ready = await fetch(`${server.url}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([
    status,
    { ready: status === 200, role, lastError: null },
  ]);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  expect(await (await fetch(`${server.url}/status`)).json()).toMatchObject({ role, flushedLsn: '0/0' });
});
