/** What can never be published is set aside, in the order of its key, and comes back exactly once when it can be. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseIdentity } from '@diptych/kafka/identity';
import type { IncomingRecord } from '@diptych/kafka/record';
import { ownTopicNames } from '@diptych/kafka/topics';
import { addressesOf } from '@diptych/runtime/kafka-access';
import { poll } from '@diptych/runtime/poll';
import kafkajs from 'kafkajs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ParkedEntry } from '../commands/parked.ts';
import { RelayUnderTest, type RunningRelay } from '../relay-under-test.ts';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));
const root = fileURLToPath(new URL('../../../..', import.meta.url));

/** How the page begins its commands; the rest goes to `diptych` as it stands. */
const npmRun = 'npm run diptych -- ';

const deliveries = ['exactly-once', 'at-least-once'] as const;

let relay: RelayUnderTest;
let environment: Record<string, string>;

/** A relay with these settings; an outbox that takes broken rows; a small topic for the events of carts. */
async function prepare(settings: Record<`DIPTYCH_${string}`, string> = {}): Promise<void> {
  relay = await RelayUnderTest.create(settings);
  environment = { ...relay.environment, ...settings };
  await relay.sql.query('alter table outbox alter column aggregateid drop not null');
  await relay.initialise();
}

beforeEach(() => prepare());
afterEach(() => relay.close());

/** Runs `diptych` with these arguments; the exit code stands first in what it answers. */
async function diptych(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const options = { env: { ...process.env, ...environment }, cwd: root };
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [main, ...args], options);
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: stdout, err: stderr };
  }
}

const listed = async (): Promise<ParkedEntry[]> =>
  JSON.parse((await diptych('parked', 'list', '--json')).out) as ParkedEntry[];

async function started(): Promise<RunningRelay> {
  const running = relay.start();
  await relay.active(running);
  return running;
}

const write = (key: string | null, text: string, size = 0) =>
  relay.sql.query(
    `insert into outbox (aggregatetype, aggregateid, type, payload)
     values ('cart', $1, 'Noted', jsonb_build_object('text', $2::text, 'fill', repeat('x', $3)))`,
    [key, text, size],
  );

async function withAdmin(use: (admin: kafkajs.Admin) => Promise<unknown>): Promise<void> {
  const brokers = [...addressesOf(relay.configuration.kafka.brokers)];
  const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    await use(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Sets how large an event of a cart may be, and waits until the broker says so itself. */
async function limitCarts(bytes: number): Promise<void> {
  const name = relay.domainTopic('cart');
  const setting = 'max.message.bytes';
  const type = kafkajs.ConfigResourceTypes.TOPIC;
  await withAdmin(async (admin) => {
    await admin.createTopics({ topics: [{ topic: name, numPartitions: 6 }] });
    const configEntries = [{ name: setting, value: String(bytes) }];
    await admin.alterConfigs({ validateOnly: false, resources: [{ type, name, configEntries }] });
    await poll(
      async () => {
        const { resources } = await admin.describeConfigs({
          resources: [{ type, name, configNames: [setting] }],
          includeSynonyms: false,
        });
        return resources[0]?.configEntries[0]?.configValue === String(bytes) || undefined;
      },
      { what: `max.message.bytes is ${bytes}`, timeoutMs: 10_000 },
    );
  });
}

const textOf = ({ value }: IncomingRecord): string => (JSON.parse(String(value)) as { text: string }).text;
const events = () => relay.records(relay.domainTopic('cart'));
const textsOf = async (key: string) =>
  (await events()).filter((record) => String(record.key) === key).map(textOf);
const parkedTopic = () => ownTopicNames(relay.configuration).parked;
const ends = async () =>
  (await relay.records(relay.transactionTopic)).map(({ value }) => JSON.parse(String(value)) as object);

test('a malformed row is parked, and the rest of its transaction published with parked_count 1', async () => {
  const running = await started();
  await relay.sql.query(`begin; insert into carts (id) values (1);
    insert into outbox (aggregatetype, aggregateid, type, payload) values ('cart', null, 'Broken', '{"a": 1}');
    insert into outbox (aggregatetype, aggregateid, type, payload) values ('cart', '1', 'Whole', '{"text": "whole"}');
    commit`);
  await relay.caughtUp();
  expect(await textsOf('1')).toEqual(['whole']);
  expect(await relay.records(relay.topicOf('carts'))).toHaveLength(1);
  expect(await ends()).toMatchObject([{ event_count: 1, domain_event_count: 1, parked_count: 1 }]);
  const [parked] = await relay.records(parkedTopic());
  const identity = parked?.headers.get('diptych-tx') ?? '';
  expect(parseIdentity(identity)).toMatchObject({ ordinal: 2, part: 0 });
  expect(parked?.key).toBeNull();
  expect(parked?.headers.get('diptych-parked')).toBe('outbox-row-malformed');
  expect(parked?.headers.get('eventType')).toBe('Broken');
  const body = JSON.parse(String(parked?.value)) as { value: string };
  expect(body).toMatchObject({
    ...{ panel: 'domain', topic: relay.domainTopic('cart'), key: null, ordinal: 2, part: 0, bytes: 8 },
    reason: 'outbox-row-malformed',
  });
  expect(String(Buffer.from(body.value, 'base64'))).toBe('{"a": 1}');
  await running.stop();
});

test('later events of a parked key are parked behind it, across restarts, and other keys flow', async () => {
  await limitCarts(2000);
  const first = await started();
  await write('1', 'a');
  await write('1', 'b', 5000);
  await write('2', 'c');
  await write('1', 'd');
  await relay.caughtUp();
  await first.stop();
  const second = await started();
  await write('1', 'e');
  await write('2', 'f');
  await relay.caughtUp();
  expect(await textsOf('1')).toEqual(['a']);
  expect(await textsOf('2')).toEqual(['c', 'f']);
  const parked = await relay.records(parkedTopic());
  expect(parked.map((record) => record.headers.get('diptych-parked'))).toEqual([
    'record-too-large',
    'behind-parked',
    'behind-parked',
  ]);
  expect((await ends()).map((end) => (end as { parked_count: number }).parked_count)).toEqual([
    0, 1, 0, 1, 1, 0,
  ]);
  await second.stop();
});

describe.each(deliveries)('%s', (delivery) => {
  test('released when the cause is gone, a key comes in order, as it would have come, and once', async () => {
    await relay.close();
    await prepare({ DIPTYCH_DELIVERY: delivery });
    await limitCarts(2000);
    const first = await started();
    await write('1', 'b', 5000);
    await write('1', 'd');
    await relay.caughtUp();
    const [entry] = await listed();
    const id = entry?.id ?? '';
    const refused = await diptych('parked', 'release', id);
    expect(refused).toMatchObject({ code: 4 });
    expect(refused.err).toMatch(/record-too-large.*Raise max.message.bytes/s);
    expect(await textsOf('1')).toEqual([]);
    await limitCarts(8000);
    expect(await diptych('parked', 'release', id)).toMatchObject({ code: 0, err: '' });
    await write('1', 'e');
    await relay.caughtUp();
    expect(await textsOf('1')).toEqual(['b', 'd', 'e']);
    const [parked] = await relay.records(parkedTopic());
    const [big, behind, later] = await events();
    expect(big?.headers.get('diptych-tx')).toBe(parked?.headers.get('diptych-tx'));
    expect([big, behind, later].map((record) => record?.headers.get('diptych-released'))).toEqual([
      'true',
      'true',
      undefined,
    ]);
    expect(big?.headers.get('eventType')).toBe('Noted');
    expect(big?.headers.has('diptych-parked')).toBe(false);
    expect(big?.timestampMs).toBe(parked?.timestampMs);
    expect(await listed()).toEqual([]);
    expect((await diptych('parked', 'release', id)).err).toContain('it is released already');
    await first.stop();
  });
});

test('a release ends before the next one that still cannot be published', async () => {
  await limitCarts(2000);
  const running = await started();
  for (const [text, size] of [
    ['a', 3000],
    ['b', 0],
    ['c', 50_000],
    ['d', 0],
  ] as const)
    await write('1', text, size);
  await relay.caughtUp();
  const ids = (await listed()).map(({ id }) => id);
  await limitCarts(8000);
  expect((await diptych('parked', 'release', ids[1] ?? '')).err).toContain(
    `Release or discard ${ids[0]} first`,
  );
  const { out } = await diptych('parked', 'release', ids[0] ?? '');
  expect(out).toContain('released 2');
  expect(out).toContain(`${ids[2]} stays parked: record-too-large`);
  await write('1', 'e');
  await relay.caughtUp();
  expect(await textsOf('1')).toEqual(['a', 'b']);
  expect((await diptych('parked', 'discard', ids[2] ?? '', '--reason', 'not needed')).code).toBe(0);
  expect(await textsOf('1')).toEqual(['a', 'b', 'd', 'e']);
  await running.stop();
});

test('a value that was too large to keep is read again from its outbox row', async () => {
  await limitCarts(2000);
  const running = await started();
  await write('1', 'a', 400_000);
  await write('1', 'b');
  await relay.caughtUp();
  const [entry] = await listed();
  await limitCarts(900_000);
  await relay.sql.query('begin; create table kept as table outbox; truncate outbox; commit');
  expect((await diptych('parked', 'release', entry?.id ?? '')).err).toContain('value-not-kept');
  await relay.sql.query('insert into outbox select * from kept');
  await relay.caughtUp();
  await diptych('parked', 'release', entry?.id ?? '');
  // The rows that were put back are new events to the stream, behind the released ones.
  await relay.caughtUp();
  expect(await textsOf('1')).toEqual(['a', 'b', 'a', 'b']);
  await running.stop();
});

describe.each(deliveries)('%s', (delivery) => {
  test('a command that no relay has executed is kept, and executed once in many rounds, whatever sessions end', async () => {
    await relay.close();
    // About five events a round: fifty take a dozen Kafka transactions.
    await prepare({
      DIPTYCH_DELIVERY: delivery,
      DIPTYCH_LIMITS_BATCH_BYTES_MAX: '1500',
      DIPTYCH_LIMITS_QUEUE_BYTES_MAX: '20000',
    });
    await limitCarts(2000);
    const first = await started();
    await write('1', 'a', 5000);
    for (let index = 0; index < 50; index += 1) await write('1', `b${index}`);
    await relay.caughtUp();
    await first.stop();
    await limitCarts(8000);
    const [entry] = await listed();
    const unanswered = await diptych('parked', 'release', entry?.id ?? '', '--wait', '1');
    expect(unanswered.err).toContain('parked-command-unanswered');
    const second = await started();
    const ended = () =>
      relay.sql.query(
        'select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = $1',
        [relay.configuration.slot],
      );
    const released = async () => (await textsOf('1')).length;
    await poll(async () => ((await released()) > 0 ? true : undefined), {
      what: 'the first round is published',
      timeoutMs: 30_000,
      intervalMs: 5,
    });
    await ended();
    await poll(async () => ((await listed()).length === 0 ? true : undefined), {
      what: 'the command is executed',
      timeoutMs: 30_000,
    });
    await ended();
    await write('1', 'z');
    await relay.caughtUp();
    await second.stop();
    const third = await started();
    await write('2', 'y');
    await relay.caughtUp();
    const expected = ['a', ...Array.from({ length: 50 }, (_, index) => `b${index}`), 'z'];
    const texts = await textsOf('1');
    expect(delivery === 'exactly-once' ? texts : [...new Set(texts)]).toEqual(expected);
    await third.stop();
  });
});

test('at least once a key keeps its order, and everything of it comes, while it is parked and released and sessions end', async () => {
  await relay.close();
  await prepare({
    DIPTYCH_DELIVERY: 'at-least-once',
    DIPTYCH_LIMITS_BATCH_BYTES_MAX: '1500',
    DIPTYCH_LIMITS_QUEUE_BYTES_MAX: '20000',
  });
  await limitCarts(2000);
  const running = await started();
  let written = 0;
  const writeSome = async () => {
    for (let index = 0; index < 15; index += 1) await write('1', String(written++), index === 7 ? 5000 : 0);
  };
  const endSession = () =>
    relay.sql.query(
      'select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = $1',
      [relay.configuration.slot],
    );
  for (let round = 0; round < 4; round += 1) {
    await writeSome();
    await endSession();
  }
  await relay.caughtUp();
  await limitCarts(8000);
  // What was parked when a session ended may be parked once more, and asked for once more.
  const releaseFirst = async () => {
    const [entry] = await listed();
    if (!entry) return true;
    const asked = diptych('parked', 'release', entry.id);
    await endSession();
    await asked;
    return undefined;
  };
  await poll(releaseFirst, { what: 'nothing is parked', timeoutMs: 60_000 });
  await write('1', String(written++));
  await relay.caughtUp();
  await running.stop();
  const texts = [...new Set(await textsOf('1'))];
  expect(texts).toEqual(Array.from({ length: written }, (_, index) => String(index)));
});

test('while its key is written to, a release leaves no event out, none twice, none out of order', async () => {
  await limitCarts(2000);
  const running = await started();
  await write('1', '0', 5000);
  await relay.caughtUp();
  const [entry] = await listed();
  await limitCarts(8000);
  const released = diptych('parked', 'release', entry?.id ?? '');
  let written = 1;
  const isDone = released.then(
    () => true,
    () => true,
  );
  while (!(await Promise.race([isDone, write('1', String(written)).then(() => false)]))) written += 1;
  expect(await released).toMatchObject({ code: 0, err: '' });
  await write('1', 'last');
  await relay.caughtUp();
  const texts = (await textsOf('1')).slice(0, -1).map(Number);
  expect(texts).toEqual(texts.map((_, index) => index));
  expect(texts.length).toBeGreaterThanOrEqual(written);
  expect(await listed()).toEqual([]);
  await running.stop();
});

test('a parked part of a divided transaction is decided once, and its END counts it once', async () => {
  await relay.close();
  await prepare({
    DIPTYCH_LIMITS_BATCH_BYTES_MAX: '20000',
    DIPTYCH_LIMITS_QUEUE_BYTES_MAX: '40000',
    DIPTYCH_CHANGE_ON_POISON: 'park',
  });
  const running = await started();
  await relay.sql.query(`begin; insert into carts (id, note) values (0, repeat('y', 2000000));
    insert into carts (id, note) select i, repeat('x', 100) from generate_series(1, 3000) i;
    update carts set note = 'z' where id = 0; commit`);
  await relay.sql.query(
    'select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = $1',
    [relay.configuration.slot],
  );
  await relay.caughtUp();
  expect(await relay.records(relay.topicOf('carts'))).toHaveLength(3000);
  expect(await ends()).toMatchObject([{ event_count: 3000, parked_count: 2 }]);
  expect(await listed()).toMatchObject([{ reason: 'record-too-large' }, { reason: 'behind-parked' }]);
  await running.stop();
});

test('more keys than may be parked stop the relay', async () => {
  await relay.close();
  await prepare({ DIPTYCH_LIMITS_PARKED_KEYS_MAX: '2' });
  const running = await started();
  for (let index = 0; index < 3; index += 1) await write(null, String(index));
  await expect(running.ended).rejects.toMatchObject({ code: 'parked-keys-exhausted' });
});

test('the page on parking says what the commands do, each as it stands there', async () => {
  const page = readFileSync(`${root}/docs/parking.md`, 'utf8');
  const commands = [...page.matchAll(/```sh\n(.*?)```/gs)]
    .flatMap((block) => (block[1] ?? '').split('\n'))
    .filter((line) => line.startsWith(npmRun))
    .map((line) => line.slice(npmRun.length))
    .filter((line) => line.startsWith('parked ')); // skipping has a test of its own
  await limitCarts(2000);
  const running = await started();
  await write('7', 'first', 5000);
  await write('8', 'second', 5000);
  await write('8', 'third');
  await relay.caughtUp();
  const [first, second] = await listed();
  await limitCarts(8000);
  const ids = [first?.id, first?.id, second?.id];
  for (const command of commands) {
    const line = command.replace(/0{6}[0-9A-F-]+/, () => ids.shift() ?? '');
    const args = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
    expect({ command, ...(await diptych(...args)) }).toMatchObject({ code: 0, err: '' });
  }
  expect(ids).toEqual([]);
  expect([await textsOf('7'), await textsOf('8')]).toEqual([['first'], ['third']]);
  await running.stop();
});
