/** Proves that while its database is away an inbox waits: no attempt is burnt, nothing is lost, nothing is there twice. */
import type { Inbox } from '@diptych/inbox/inbox';
import { type NoteContract, noteInbox, notePool, notes, untilTrue } from '@diptych/inbox/inbox-for-tests';
import { listParked } from '@diptych/inbox/parked-events';
import { FaultProxy } from '@diptych/testkit/fault-proxy';
import type { Pool } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Readers } from './inbox-for-tests.ts';

let readers: Readers;
let proxy: FaultProxy;
let pool: Pool;
let inbox: Inbox<NoteContract>;

beforeEach(async () => {
  readers = await Readers.create({ partitions: 2 });
  const url = new URL(readers.databaseUrl);
  proxy = await FaultProxy.open({ host: url.hostname, port: Number(url.port || 5432) });
  url.host = `127.0.0.1:${proxy.port}`;
  pool = notePool(url.href, { queryTimeoutMs: 2_000 });
  inbox = noteInbox({
    ...{ pool, brokers: readers.brokers, group: readers.group, topics: [readers.topic.name] },
    // One failure that is taken for the event's own parks it, one repeat is there twice.
    limits: { attemptsMax: 1 },
    consumer: null,
  });
});
afterEach(async () => {
  proxy.release();
  await inbox.stop();
  await pool.end();
  await proxy.close();
  await readers.close();
});

const cutsWanted = 15;
const keys = ['a', 'b', 'c'];
const range = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const effects = async () => (await Promise.all(keys.map((key) => readers.effects(key)))).flat().length;

test('connections that are cut at any moment, COMMIT included', { timeout: 120_000 }, async () => {
  await readers.topic.publish(keys.flatMap((key) => notes(key, 1, 200)));
  let [seen, cuts] = [0, 0];
  await untilTrue('it was cut often', async () => {
    const now = await effects();
    if (now > seen) {
      proxy.cut();
      cuts += 1;
    }
    seen = now;
    return cuts === cutsWanted || now === 600;
  });
  await readers.untilEffects(keys, range(200));
  expect(await listParked(readers.pool, { group: readers.group, limit: 1 })).toEqual([]);
});

test('a network that swallows everything: it says so, and goes on', { timeout: 120_000 }, async () => {
  await readers.topic.publish(keys.flatMap((key) => notes(key, 1, 10)));
  await readers.untilEffects(keys, range(10));
  proxy.hold();
  await readers.topic.publish(keys.flatMap((key) => notes(key, 11, 10)));
  await untilTrue('it waits', () => inbox.progress.tag === 'waiting');
  expect(inbox.progress).toMatchObject({ error: { code: 'inbox-database-away' } });
  proxy.release();
  await readers.untilEffects(keys, range(20));
  await untilTrue('it consumes', () => inbox.progress.tag === 'consuming');
  expect(await listParked(readers.pool, { group: readers.group, limit: 1 })).toEqual([]);
});
