import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Server, type ServerOptions } from './server.ts';
import { Watchdog } from './watchdog.ts';

async function server(script: string, options: Partial<ServerOptions> = {}): Promise<Server> {
  const directory = await mkdtemp(join(tmpdir(), 'diptych-server-'));
  const watchdog = new Watchdog();
  onTestFinished(async () => {
    await watchdog.finish();
    await rm(directory, { recursive: true });
  });
  return new Server({
    name: 'a server',
    command: 'sh',
    args: ['-c', script],
    directory,
    logFile: join(directory, 'log'),
    signals: { orderly: 'SIGTERM', immediate: 'SIGKILL' },
    ready: async (log) => log.includes('ready'),
    watchdog,
    ...options,
  });
}

test('a server is started, ended in each way, and started again', async () => {
  const one = await server('echo ready; exec sleep 600');
  for (const end of ['kill', 'stopImmediately', 'stop'] as const) {
    await one.start();
    expect(one.pid).toBeGreaterThan(1);
    await one[end]();
    expect(one.pid).toBeUndefined();
  }
});

test('a server that ends instead of answering fails with its last log lines', async () => {
  const one = await server('echo the disk is full; exit 1');
  await expect(one.start()).rejects.toMatchObject({
    code: 'server-not-started',
    message: 'a server was not started: it ended\nthe disk is full',
  });
});

test('a command that is not there fails with its name', async () => {
  const one = await server('', { command: '/nowhere/postgres' });
  await expect(one.start()).rejects.toMatchObject({
    code: 'server-not-started',
    message: 'a server was not started: postgres cannot be run',
  });
});

test('a passing reason is waited out', async () => {
  const script = 'if [ -e seen ]; then echo ready; exec sleep 600; fi; touch seen; echo still in use; exit 1';
  const one = await server(script, { passing: /still in use/ });
  await one.start();
  expect(one.pid).toBeGreaterThan(1);
  await one.kill();
});

test('an aborted start ends the server', async () => {
  const controller = new AbortController();
  const one = await server('exec sleep 600', {
    signal: controller.signal,
    ready: async () => {
      controller.abort(new Error('asked to end'));
      return false;
    },
  });
  await expect(one.start()).rejects.toThrow('asked to end');
  expect(one.pid).toBeUndefined();
});
