import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { present } from '@diptych/runtime/assert';
import { poll } from '@diptych/runtime/poll';
import { type Admin, Kafka, logLevel, Partitioners } from 'kafkajs';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, onTestFinished, test, vi } from 'vitest';
import { createDatabase } from './database.ts';
import { testPrefix } from './for-tests.ts';
import { lives } from './lives.ts';
import { type Stack, startStack } from './stack.ts';

/** A stack beside the run's own, of the same kind where that can be killed, so that nobody else's servers are. */
const kind = inject('diptychStackKind') === 'containers' ? 'containers' : 'embedded';
const env = { ...process.env, DIPTYCH_STACK: kind };

type OwnStack = Exclude<Stack, { kind: 'external' }>;
let stack: OwnStack;
beforeAll(async () => {
  const started = await startStack({ env });
  if (started.kind === 'external') throw new Error('an external stack was not asked for');
  stack = started;
});
afterAll(() => stack.stop());

async function query(databaseUrl: string, text: string): Promise<unknown[]> {
  const client = new pg.Client(databaseUrl);
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

const endings = ['kill', 'stopImmediately', 'stop'] as const;

test.each(endings)('what Postgres committed is there after %s and start, at the same URL', async (ending) => {
  const url = await createDatabase(stack.databaseUrl);
  await query(url, 'create table t as select 1 as committed');
  await stack.postgres[ending]();
  await expect(query(url, 'select 1')).rejects.toThrow(/ECONNREFUSED|ECONNRESET|terminated unexpectedly/);
  await stack.postgres.start();
  expect(await query(url, 'select committed from t')).toEqual([{ committed: 1 }]);
});

test.each(endings)(
  'what Kafka committed is there after %s and start, at the same address',
  async (ending) => {
    const topic = testPrefix();
    const kafka = new Kafka({
      brokers: [...stack.brokers],
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 20, retries: 15 },
    });
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
    const producer = kafka.producer({
      transactionalId: topic,
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ value: 'committed' }] });
    await transaction.commit();
    // One record and the marker of its transaction.
    const settled = async (asked: Admin) => {
      const offsets = async () => (await asked.fetchTopicOffsets(topic)).map(({ high }) => high);
      await expect.poll(offsets, { timeout: 50_000 }).toEqual(['2']);
    };
    // A container that is killed may lose a marker that is not written yet (docs/decisions/0008).
    if (stack.kind === 'containers') await settled(admin);
    await Promise.all([producer.disconnect(), admin.disconnect()]);

    await stack.kafka[ending]();
    await stack.kafka.start();

    const after = kafka.admin();
    await after.connect();
    await settled(after);
    await after.disconnect();
  },
);

interface Owned {
  readonly postgres: number;
  readonly kafka: number;
  readonly databaseUrl: string;
  readonly brokers: readonly string[];
}

/** A process that starts an embedded stack, tells what it is, and stops it when a line comes in. */
const owner = `
  import { startStack } from '${new URL('./stack.ts', import.meta.url).href}';
  const stack = await startStack();
  const { databaseUrl, brokers, postgres, kafka } = stack;
  console.log(JSON.stringify({ databaseUrl, brokers, postgres: postgres.pid, kafka: kafka.pid }));
  process.stdin.once('data', async () => {
    await stack.stop();
    process.exit();
  });
`;

async function startOwner() {
  const directory = await mkdtemp(join(tmpdir(), 'diptych-owner-'));
  await chmod(directory, 0o755);
  const child = spawn(process.execPath, ['--input-type=module', '--eval', owner], {
    env: { ...process.env, DIPTYCH_STACK: 'embedded', TMPDIR: directory },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const owned = JSON.parse(String(line)) as Owned;
  return { child, owned, directory };
}

function refusesConnections(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    socket.once('connect', () => resolve(false)).once('error', () => resolve(true));
    socket.once('connect', () => socket.destroy());
  });
}

async function expectNothingLeft({ owned, directory }: { owned: Owned; directory: string }): Promise<void> {
  const left = async () => [
    ...[owned.postgres, owned.kafka].filter(lives).map((pid) => `process ${pid}`),
    // Other programs keep files of their own there: the JVM, Node's compile cache.
    ...(await readdir(directory)).filter((name) => name.startsWith('diptych-')),
  ];
  await expect.poll(left, { timeout: 15_000, interval: 100 }).toEqual([]);
  const addresses = [owned.databaseUrl, ...owned.brokers.map((broker) => `kafka://${broker}`)];
  expect(await Promise.all(addresses.map(refusesConnections))).toEqual([true, true]);
  await rm(directory, { recursive: true });
}

test('a stopped embedded stack leaves no process, no port and no directory', async () => {
  const { child, owned, directory } = await startOwner();
  expect([owned.postgres, owned.kafka].every(lives)).toBe(true);
  const ended = once(child, 'exit');
  child.stdin.write('stop\n');
  expect(await ended).toEqual([0, null]);
  await expectNothingLeft({ owned, directory });
});

test('an embedded stack whose owner was killed is gone, directory and all, within seconds', async () => {
  const { child, owned, directory } = await startOwner();
  expect((await readdir(directory)).filter((name) => name.startsWith('diptych-'))).toHaveLength(1);
  child.kill('SIGKILL');
  await expectNothingLeft({ owned, directory });
});

test('a start that is aborted leaves nothing', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'diptych-aborted-'));
  await chmod(directory, 0o755);
  vi.stubEnv('TMPDIR', directory);
  onTestFinished(() => void vi.unstubAllEnvs());
  const controller = new AbortController();
  const starting = startStack({ env: { ...env, DIPTYCH_STACK: 'embedded' }, signal: controller.signal });
  starting.catch(() => undefined);
  const stackDirectories = async () =>
    (await readdir(directory)).filter((name) => name.startsWith('diptych-'));
  await poll(async () => ((await stackDirectories()).length > 0 ? true : undefined), {
    what: 'the start has made its directory',
    timeoutMs: 10_000,
    intervalMs: 5,
  });
  controller.abort(new Error('Ctrl-C'));
  await expect(starting).rejects.toThrow('Ctrl-C');
  expect(await stackDirectories()).toEqual([]);
  await rm(directory, { recursive: true });
});

test('an embedded stack keeps data and logs when it is asked to', async () => {
  const said: string[] = [];
  const kept = await startStack({
    env: { ...env, DIPTYCH_STACK: 'embedded' },
    keep: true,
    say: (line) => said.push(line),
  });
  await kept.stop();
  const directory = present(
    /data and logs stay in (\S+)/.exec(said.join('\n'))?.[1],
    'the directory that was told',
  );
  expect(await readdir(directory)).toEqual(
    expect.arrayContaining(['postgres', 'postgres.log', 'kafka', 'kafka.log']),
  );
  await rm(directory, { recursive: true });
});
