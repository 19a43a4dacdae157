/** The command as the image has it: built into a few files it does what its sources do. */
import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { operate } from '@diptych/kafka/operator-client';
import { ownTopicNames } from '@diptych/kafka/topics';
import { freePorts } from '@diptych/testkit/port';
import { RelayProcess } from '@diptych/testkit/relay-process';
import { Watchdog } from '@diptych/testkit/watchdog';
import { beforeAll, expect, test } from 'vitest';
import { nodeArguments, shebang } from './node-arguments.ts';
import { RelayUnderTest } from './relay-under-test.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const source = here('main.ts');
const bundle = here('../dist/main.js');

const node = async (...args: string[]): Promise<string> =>
  (await promisify(execFile)(process.execPath, args)).stdout;

beforeAll(async () => {
  await node(here('../bundle.ts'));
});

test('it knows every command that the sources know', async () => {
  const help = await node(bundle, '--help');
  expect(help).toContain('doctor');
  expect(help).toBe(await node(source, '--help'));
});

test('a library that the sources change is the one that it uses, and no copy', async () => {
  const read = (paths: readonly string[]) => Promise.all(paths.map((path) => readFile(path, 'utf8')));
  const sources = await read(globSync(here('../../../packages/*/src/**/*.ts')));
  const changed = new Set(
    sources.flatMap((text) => [...text.matchAll(/ load\('([^./'][^/']*)\//g)].map(([, name]) => name)),
  );
  expect(changed).toEqual(new Set(['kafkajs', 'pg-protocol']));
  const built = (await read(globSync(here('../dist/*.js')))).join('\n');
  for (const name of changed) expect(built).toMatch(new RegExp(`(require\\(|from ?)["'\`]${name}["'\`]`));
});

test('it is started with the same arguments of Node', async () => {
  expect((await readFile(bundle, 'utf8')).split('\n')[0]).toBe(shebang(nodeArguments));
});

/** A relay that is built, initialised and not started yet. */
async function withBundled(
  use: (relay: RelayUnderTest, bundled: RelayProcess) => Promise<void>,
): Promise<void> {
  const relay = await RelayUnderTest.create();
  const directory = await mkdtemp(join(tmpdir(), 'diptych-bundle-'));
  const watchdog = new Watchdog();
  watchdog.directoryCreated(directory);
  const [port] = await freePorts(1);
  const bundled = new RelayProcess({
    ...{ name: 'bundled', logFile: join(directory, 'log'), watchdog, main: bundle },
    settings: { ...relay.environment, DIPTYCH_HTTP_PORT: String(port) },
  });
  try {
    await bundled.initialise();
    await use(relay, bundled);
  } finally {
    await bundled.stop();
    await relay.close();
    await watchdog.finish();
    await rm(directory, { recursive: true, force: true });
  }
}

test('it publishes both panels exactly once over an end that nobody asked for', { timeout: 120_000 }, () =>
  withBundled(async (relay, bundled) => {
    bundled.start();
    await relay.sql.query(`insert into carts values (1, 'open', '“ü”')`);
    await relay.caughtUp();
    await bundled.kill();
    bundled.start();
    await relay.sql.query('begin');
    await relay.sql.query('insert into carts values (2)');
    await relay.sql.query(
      `insert into outbox (aggregatetype, aggregateid, type, payload) values ('cart', '2', 'Opened', '{"id":2}')`,
    );
    await relay.sql.query('commit');
    await relay.caughtUp();
    const carts = await relay.records(relay.topicOf('carts'));
    expect(carts.map(({ value }) => JSON.parse(String(value)).after)).toEqual([
      { id: 1, status: 'open', note: '“ü”' },
      { id: 2, status: 'open', note: null },
    ]);
    const events = await relay.records(`${relay.configuration.outbox.topicPrefix}cart`);
    expect(events.map(({ key, value }) => [String(key), String(value)])).toEqual([['2', '{"id": 2}']]);
  }),
);

test('a checkpoint that the broker compressed is read', { timeout: 120_000 }, () =>
  withBundled(async (relay, bundled) => {
    const { checkpoint } = ownTopicNames(relay.configuration);
    await compress(relay, checkpoint);
    bundled.start();
    await relay.sql.query('insert into carts values (1)');
    await relay.caughtUp();
    await bundled.stop();
    bundled.start();
    await relay.sql.query('insert into carts values (2)');
    await relay.caughtUp();
    const carts = await relay.records(relay.topicOf('carts'));
    expect(carts.map(({ value }) => JSON.parse(String(value)).after.id)).toEqual([1, 2]);
  }),
);

/** From now on the broker compresses what comes for the topic, whatever it comes as. */
async function compress({ configuration }: RelayUnderTest, topic: string): Promise<void> {
  const { brokers } = configuration.kafka;
  const asked = { brokers, clientId: 'test', requestTimeoutMs: 10_000, limitMs: 20_000, what: 'compressing' };
  const settings = { 'compression.type': 'lz4' };
  await operate(asked, (kafka) => kafka.apply({ tag: 'settings', topic, settings }));
}
