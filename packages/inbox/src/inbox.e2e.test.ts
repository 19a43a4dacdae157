/** The runner on real servers: one effect for each event, in the order of its key. */
import { randomUUID } from 'node:crypto';
import { OperatingError } from '@diptych/runtime/failure';
import { testBrokers, testDatabase, testPrefix } from '@diptych/testkit/for-tests';
import kafkajs from 'kafkajs';
import type { Pool } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { StopInboxError } from './effect.ts';
import type { Inbox } from './inbox.ts';
import {
  createEffects,
  effectsOf,
  figure,
  type NoteContract,
  type NoteInboxOptions,
  NoteTopic,
  noteInbox,
  notePool,
  notes,
  untilTrue,
  writeEffect,
} from './inbox-for-tests.ts';
import { discard, listParked, release } from './parked-events.ts';
import { forgetPositions } from './positions.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: Pool;
let topic: NoteTopic;
let group: string;
let inboxes: Inbox<NoteContract>[];

beforeEach(async () => {
  database = await testDatabase();
  pool = notePool(database.url);
  await createEffects(pool);
  group = testPrefix();
  topic = new NoteTopic(`${group}.notes`, testBrokers());
  inboxes = [];
});

afterEach(async () => {
  await Promise.all(inboxes.map((inbox) => inbox.stop()));
  await topic.close();
  await pool.end();
  await database.drop();
});

function start(options: Partial<NoteInboxOptions> = {}): Inbox<NoteContract> {
  const inbox = noteInbox({ pool, brokers: testBrokers(), group, topics: [topic.name], ...options });
  inboxes.push(inbox);
  return inbox;
}

const untilEffects = (key: string, expected: readonly number[]) =>
  untilTrue(`${key} has the effects ${expected.join()}`, async () => {
    const effects = await effectsOf(pool, key).catch(() => []);
    return effects.join() === expected.join();
  });

const range = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index);

/** A handler that fails for some notes until they are mended. */
function breaking(...broken: readonly number[]) {
  const isBroken = new Set(broken);
  const tried: number[] = [];
  const handlers: NoteInboxOptions['handlers'] = {
    Noted: async ({ aggregateId, payload: { n } }, tx) => {
      tried.push(n);
      await writeEffect(tx, { key: aggregateId, n });
      if (isBroken.has(n)) throw new Error(`${n} does not work`);
    },
  };
  return { handlers, tried, mend: (n: number) => isBroken.delete(n) };
}

const parkedOf = async () =>
  (await listParked(pool, { group, limit: 100 })).map(({ record, reason }) => {
    const { n } = JSON.parse(String(record.value)) as { n: number };
    return `${n} ${reason}`;
  });

test('events have their effects in the order of their keys, also those of older versions', async () => {
  await topic.create(3);
  start();
  await topic.publish([
    { key: 'a', n: 1 },
    { key: 'b', n: 1, version: 1, payload: { number: 1 } },
    { key: 'a', n: 2, type: 'Unheard' },
  ]);
  await topic.publish([...notes('a', 3, 50), ...notes('b', 2, 50)]);
  await untilEffects('b', range(1, 51));
  await untilEffects('a', [1, ...range(3, 50)]);
  expect(await effectsOf(pool, 'a')).toEqual([1, ...range(3, 50)]);
});

test('position and effect are one: a group goes on from Postgres, whatever Kafka remembers', async () => {
  await topic.create(2);
  await topic.publish([...notes('a', 1, 20), ...notes('b', 1, 20)]);
  const first = start({ consumer: null });
  await untilEffects('a', range(1, 20));
  await untilEffects('b', range(1, 20));
  await first.stop();

  const admin = new kafkajs.Kafka({ brokers: [...testBrokers()], logLevel: 0 }).admin();
  await admin.connect();
  await admin.resetOffsets({ groupId: group, topic: topic.name, earliest: true });
  await admin.disconnect();
  const second = start({ consumer: null });
  await topic.publish([{ key: 'a', n: 21 }]);
  await untilEffects('a', range(1, 21));
  await second.stop();

  // Kafka says that all is read; Postgres was restored from a backup.
  await pool.query('delete from effects');
  await forgetPositions(pool, { group, topic: topic.name });
  start({ consumer: null });
  await untilEffects('b', range(1, 20));
  await untilEffects('a', range(1, 21));
  expect(await effectsOf(pool, 'a')).toEqual(range(1, 21));
});

test('an event that comes again, also by another group, has its effect once for each consumer', async () => {
  await topic.create(1);
  const id = '0199c0de-0000-7000-8000-000000000001';
  await topic.publish([{ key: 'a', n: 1, id }]);
  await topic.publish([
    { key: 'a', n: 1, id },
    { key: 'a', n: 2 },
  ]);
  const first = start({ consumer: 'one' });
  await untilEffects('a', [1, 2]);
  expect(await figure(first, 'diptych_inbox_events_total', { outcome: 'repeated' })).toBe(1);
  const replaying = start({ group: `${group}-anew`, consumer: 'one' });
  await untilTrue('all is repeated', async () => {
    return (await figure(replaying, 'diptych_inbox_events_total', { outcome: 'repeated' })) === 3;
  });
  expect(await effectsOf(pool, 'a')).toEqual([1, 2]);
  start({ group: `${group}-other`, consumer: 'other' });
  await untilEffects('a', [1, 2, 1, 2]);
});

test('a poison event is parked after its attempts, and its key behind it in order; released, they come in order', async () => {
  await topic.create(1);
  const { handlers, tried, mend } = breaking(2);
  const inbox = start({ handlers, limits: { attemptsMax: 3 } });
  await topic.publish([...notes('a', 1, 4), ...notes('b', 101, 2)]);
  await untilEffects('b', [101, 102]);
  await topic.publish([{ key: 'a', n: 5 }]);
  await untilTrue('all of the key is parked', async () => (await parkedOf()).length === 4);
  expect(await parkedOf()).toEqual([
    '2 handler-failed',
    '3 behind-parked',
    '4 behind-parked',
    '5 behind-parked',
  ]);
  expect(tried.filter((n) => n === 2)).toHaveLength(3);
  expect(await effectsOf(pool, 'a')).toEqual([1]);
  expect(await figure(inbox, 'diptych_inbox_parked_events')).toBe(4);

  const [first, second] = await listParked(pool, { group, limit: 2 });
  await expect(release(pool, { group, id: second?.id ?? 0n })).rejects.toMatchObject({
    code: 'parked-record-refused',
  });
  mend(2);
  await release(pool, { group, id: first?.id ?? 0n });
  await untilEffects('a', [1, 2, 3, 4, 5]);
  await topic.publish([{ key: 'a', n: 6 }]);
  await untilEffects('a', [1, 2, 3, 4, 5, 6]);
  expect(await parkedOf()).toEqual([]);
});

test('what is released too early is parked again; discarded, it lets the others follow, also after a restart', async () => {
  await topic.create(1);
  const { handlers } = breaking(2, 4);
  const first = start({ handlers, limits: { attemptsMax: 2 } });
  await topic.publish(notes('a', 1, 5));
  await untilTrue('the key is parked', async () => (await parkedOf()).length === 4);
  const head = async () => (await listParked(pool, { group, limit: 1 }))[0];
  const id = (await head())?.id ?? 0n;
  await release(pool, { group, id });
  await untilTrue('it is parked again', async () => {
    const parked = await head();
    return parked?.attempts === 4 && parked.decision === null;
  });
  await first.stop();
  await discard(pool, { group, id, reason: 'it was a test' });
  start({ handlers, limits: { attemptsMax: 2 } });
  await untilEffects('a', [1, 3]);
  await untilTrue('the next one that fails is the first', async () => {
    return (await parkedOf()).join() === '4 handler-failed,5 behind-parked';
  });
  expect(await effectsOf(pool, 'a')).toEqual([1, 3]);
});

test('what time does not mend is parked at once', async () => {
  await topic.create(1);
  let attempts = 0;
  start({
    handlers: {
      Noted: async () => {
        attempts += 1;
        throw new OperatingError('event-contradictory', 'said otherwise before', {
          remedy: 'Ask who said it.',
        });
      },
    },
  });
  await topic.publish([{ n: 1 }]);
  await untilTrue('it is parked', async () => (await parkedOf().catch(() => [])).length === 1);
  expect([attempts, await parkedOf()]).toEqual([1, ['1 event-contradictory']]);
});

test('an unknown version is parked by its code, and read when the reader knows it; malformed ones likewise', async () => {
  await topic.create(1);
  const first = start();
  await topic.publish([
    { key: 'a', n: 1, version: 3 },
    { key: 'b', n: 1, payload: { n: 'one' } },
    { key: 'c', n: 1 },
  ]);
  await untilEffects('c', [1]);
  const reasons = (await listParked(pool, { group, limit: 9 })).map(({ reason }) => reason);
  expect(reasons).toEqual(['contract-unknown-version', 'event-malformed']);
  await first.stop();
});

test.each([
  {
    code: 'contract-unknown-version',
    note: { key: 'a', n: 2, version: 3 },
    option: { onUnknownVersion: 'stop' },
  },
  { code: 'event-malformed', note: { key: 'a', n: 2, payload: {} }, option: { onPoison: 'stop' } },
] as const)('where $code stops, nothing is skipped, and the next member stops there too', async (poison) => {
  await topic.create(1);
  await topic.publish([{ key: 'a', n: 1 }, poison.note, { key: 'b', n: 3 }]);
  for (const member of [start(poison.option), start(poison.option)]) {
    await untilTrue('it has stopped', () => member.progress.tag === 'stopped');
    expect(member.progress).toMatchObject({ error: { code: poison.code } });
    expect([await effectsOf(pool, 'a'), await effectsOf(pool, 'b')]).toEqual([[1], []]);
  }
  expect(await parkedOf()).toEqual([]);
});

test('members that come and go share the partitions: no effect is missing, none is there twice', async () => {
  await topic.create(6);
  const keys = range(1, 12).map((key) => `k${key}`);
  const publish = (from: number) => topic.publish(keys.flatMap((key) => notes(key, from, 20)));
  await publish(1);
  const first = start({ consumer: null });
  const second = start({ consumer: null });
  await publish(21);
  await untilTrue('both hold partitions', async () => {
    const held = await Promise.all([first, second].map((inbox) => figure(inbox, 'diptych_inbox_partitions')));
    return held.every((partitions) => partitions === 3);
  });
  await publish(41);
  await first.stop();
  await publish(61);
  for (const key of keys) await untilEffects(key, range(1, 80));
  expect(await Promise.all(keys.map((key) => effectsOf(pool, key)))).toEqual(keys.map(() => range(1, 80)));
});

test('a topic that was made anew is not read on from the old position', async () => {
  await topic.create(1);
  await topic.publish(notes('a', 1, 5));
  const first = start({ consumer: null });
  await untilEffects('a', range(1, 5));
  await first.stop();
  await pool.query(`update inbox_positions set topic_id = 'that of a topic before'`);
  const second = start({ consumer: null });
  await untilTrue('it has stopped', () => second.progress.tag === 'stopped');
  expect(second.progress).toMatchObject({ error: { code: 'records-expired' } });
});

test('lag, outcomes and state are figures', async () => {
  await topic.create(1);
  await topic.publish(notes('a', 1, 5));
  const inbox = start();
  await untilEffects('a', range(1, 5));
  await untilTrue(
    'the position is at the end',
    async () => (await figure(inbox, 'diptych_inbox_lag_records')) === 0,
  );
  expect(await figure(inbox, 'diptych_inbox_events_total', { outcome: 'handled' })).toBe(5);
  expect(await figure(inbox, 'diptych_inbox_consuming')).toBe(1);
  expect(await inbox.metrics.registry.metrics()).toContain(`diptych_inbox_lag_records{topic="${topic.name}"`);
});

test('an inbox that starts before its database and its topic waits for both', async () => {
  const inbox = start();
  await untilTrue('it waits for the topic', () => inbox.progress.tag === 'waiting');
  await topic.create(2);
  await topic.publish(notes('a', 1, 3));
  await untilEffects('a', [1, 2, 3]);
  expect(inbox.progress).toEqual({ tag: 'consuming' });
});

test('several events share a transaction in their order; when it fails, the one at fault is found and parked', async () => {
  await topic.create(1);
  await topic.publish([...notes('a', 1, 30), { key: 'b', n: 1, version: 9 }, ...notes('c', 1, 30)]);
  const batches: string[][] = [];
  let isOver = false;
  const inbox = start({
    consumer: null,
    limits: { attemptsMax: 2 },
    batches: {
      eventsMax: 20,
      handle: async (events, tx) => {
        if (isOver) throw new StopInboxError('projection-replaced', 'it is over', { remedy: 'none' });
        batches.push(events.map(({ aggregateId, payload: { n } }) => `${aggregateId}${n}`));
        for (const { aggregateId, payload } of events)
          await writeEffect(tx, { key: aggregateId, n: payload.n });
        if (events.some(({ aggregateId, payload: { n } }) => aggregateId === 'c' && n === 15))
          throw new Error('15 does not work');
      },
    },
  });
  await untilTrue('c waits', async () => (await parkedOf()).length === 17);
  expect(await effectsOf(pool, 'a')).toEqual(range(1, 30));
  expect(await effectsOf(pool, 'c')).toEqual(range(1, 14));
  const behind = range(16, 15).map((n) => `${n} behind-parked`);
  expect(await parkedOf()).toEqual(['1 contract-unknown-version', '15 handler-failed', ...behind]);
  expect(batches[0]).toEqual(range(1, 20).map((n) => `a${n}`));
  // One alone is what failed; each effect is counted once, however often it was tried.
  expect(batches.filter((batch) => batch.join() === 'c15')).toHaveLength(2);
  expect(await figure(inbox, 'diptych_inbox_events_total', { outcome: 'handled' })).toBe(44);

  // What a handler has that is over is neither tried again nor parked.
  isOver = true;
  await topic.publish(notes('d', 1, 3));
  await untilTrue('it has stopped', () => inbox.progress.tag === 'stopped');
  expect(inbox.progress).toMatchObject({ error: { code: 'projection-replaced' } });
  expect(await parkedOf()).toHaveLength(17);
});

test('of events that come twice, also in one transaction, a consumer handles the first', async () => {
  await topic.create(1);
  const [one, other] = [notes('a', 1, 1), notes('a', 2, 1)]
    .flat()
    .map((note) => ({ ...note, id: randomUUID() }));
  if (!one || !other) throw new Error('two notes');
  await topic.publish([one, one, other, { ...one, id: one.id.toUpperCase() }]);
  const seen: number[] = [];
  const inbox = start({
    batches: {
      eventsMax: 20,
      handle: async (events) => {
        for (const { payload } of events) seen.push(payload.n);
      },
    },
  });
  const repeated = () => figure(inbox, 'diptych_inbox_events_total', { outcome: 'repeated' });
  await untilTrue('all are looked at', async () => (await repeated()) === 2);
  expect(seen).toEqual([1, 2]);
});
