import { lsn } from '@diptych/wal/lsn';
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
    { ready: status === 200, role, standstill: null, lastError: null },
  ]);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  expect(await (await fetch(`${server.url}/status`)).json()).toMatchObject({ role, flushedLsn: '0/0' });
});

test('an active relay whose position stands still is healthy and not ready; a standby is ready', async () => {
  const board = new Board();
  board.role = 'active';
  const metrics = new Metrics(board);
  server = await serveHealth({ board, metrics, host: '127.0.0.1', port: 0 });
  const limits = { limits: { stalledBytes: 10 }, timing: { stalledMs: 1000 } };
  const checkpoint = { lsn: lsn(1n), part: null, reportedLsn: lsn(1n) };
  for (const nowMs of [0, 1000])
    board.see({ nowMs, checkpoint, received: null, walEnd: lsn(100n), rowsRead: 0 }, limits);
  const stalled = await fetch(`${server.url}/readyz`);
  expect([stalled.status, await stalled.json()]).toMatchObject([503, { standstill: { bytes: 99 } }]);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  expect(await (await fetch(`${server.url}/metrics`)).text()).toContain('diptych_stalled 1');
  board.standBy();
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
});
