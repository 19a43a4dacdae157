/** The pipeline on real servers: what is committed arrives on both panels, once, with one identity. */
import { parseIdentity } from '@diptych/kafka/identity';
import type { IncomingRecord } from '@diptych/kafka/record';
import { parseLossless } from '@diptych/runtime/json';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RelayUnderTest } from './relay-under-test.ts';

let relay: RelayUnderTest;
beforeEach(async () => {
  relay = await RelayUnderTest.create();
});
afterEach(() => relay.close());

const identityOf = (record: IncomingRecord | undefined) =>
  parseIdentity(record?.headers.get('diptych-tx') ?? '');
const bodyOf = (record: IncomingRecord | undefined): Record<string, unknown> =>
  parseLossless(String(record?.value)) as Record<string, unknown>;

const insertEvent = (id: number) =>
  `insert into outbox (aggregatetype, aggregateid, type, payload) values ('cart', '${id}', 'CartOpened', '{"cart": ${id}}')`;

test('a row and its event of one transaction arrive on both panels with one identity, and END counts them', async () => {
  await relay.initialise();
  const running = relay.start();
  await relay.active(running);
  await relay.sql.query(`begin; insert into carts (id) values (101); ${insertEvent(101)}; commit`);
  await relay.caughtUp();
  const [change] = await relay.records(relay.topicOf('carts'));
  const [event] = await relay.records(relay.domainTopic('cart'));
  const [end] = await relay.records(relay.transactionTopic);
  expect(String(event?.key)).toBe('101');
  expect(String(event?.value)).toBe('{"cart": 101}');
  expect(bodyOf(change)).toMatchObject({
    op: 'c',
    before: null,
    after: { id: 101, status: 'open', note: null },
  });
  expect([identityOf(change).ordinal, identityOf(event).ordinal, identityOf(end).ordinal]).toEqual([1, 2, 3]);
  expect(identityOf(change).commitLsn).toBe(identityOf(event).commitLsn);
  expect(bodyOf(end)).toMatchObject({
    status: 'END',
    event_count: 1,
    data_collections: [{ data_collection: 'public.carts', event_count: 1 }],
    domain_event_count: 1,
    domain_events: [{ topic: relay.domainTopic('cart'), event_type: 'CartOpened', event_count: 1 }],
  });
  await running.stop();
});

test('what is written while no relay runs is published by the next one, and nothing twice', async () => {
  await relay.initialise();
  for (let id = 1; id <= 3; id++) {
    await relay.sql.query(`insert into carts (id) values (${id})`);
    const running = relay.start();
    await relay.active(running);
    await relay.caughtUp();
    await running.stop();
  }
  const records = await relay.records(relay.topicOf('carts'));
  expect(records.map((record) => String(record.key)).toSorted()).toEqual([
    '{"id":1}',
    '{"id":2}',
    '{"id":3}',
  ]);
  expect(await relay.records(relay.transactionTopic)).toHaveLength(3);
});

test('a rolled back transaction leaves no record', async () => {
  await relay.initialise();
  const running = relay.start();
  await relay.active(running);
  await relay.sql.query(`begin; insert into carts (id) values (1); ${insertEvent(1)}; rollback`);
  await relay.sql.query('insert into carts (id) values (2)');
  await relay.caughtUp();
  expect((await relay.records(relay.topicOf('carts'))).map((record) => String(record.key))).toEqual([
    '{"id":2}',
  ]);
  await running.stop();
});

test('a transaction larger than the queue is published in pieces, whole and once', async () => {
  await relay.close();
  relay = await RelayUnderTest.create({
    DIPTYCH_LIMITS_BATCH_BYTES_MAX: '20000',
    DIPTYCH_LIMITS_QUEUE_BYTES_MAX: '40000',
  });
  await relay.initialise();
  const running = relay.start();
  await relay.active(running);
  await relay.sql.query(
    `insert into carts (id, note) select i, repeat('x', 100) from generate_series(1, 5000) i`,
  );
  await relay.caughtUp();
  const records = await relay.records(relay.topicOf('carts'));
  const ordinals = records.map((record) => identityOf(record).ordinal).toSorted((a, b) => a - b);
  expect(ordinals).toEqual(Array.from({ length: 5000 }, (_, index) => index + 1));
  expect(bodyOf((await relay.records(relay.transactionTopic))[0])).toMatchObject({ event_count: 5000 });
  await running.stop();
});

test('the slot advances on a database where only others write', async () => {
  await relay.close();
  relay = await RelayUnderTest.create({ DIPTYCH_TIMING_IDLE_CHECKPOINT_INTERVAL_MS: '200' });
  await relay.sql.query('create unlogged table elsewhere (id int)');
  await relay.initialise();
  const running = relay.start();
  await relay.active(running);
  await relay.sql.query(`select pg_logical_emit_message(false, 'noise', 'x')`);
  await relay.sql.query(`create table later (id int primary key); insert into later values (1)`);
  await relay.caughtUp();
  expect(await relay.records(relay.transactionTopic)).toEqual([]);
  await running.stop();
});

test('a table that appears with full replica identity has its primary key from its first change on', async () => {
  await relay.initialise();
  const running = relay.start();
  await relay.active(running);
  await relay.sql.query(
    'create table late (id int primary key, v text); alter table late replica identity full',
  );
  await relay.initialise();
  await relay.sql.query(`insert into late values (1, 'a'); update late set v = 'b' where id = 1`);
  // The catalogue knows keys as they are, not as they were: the relay is let catch up before they change.
  await relay.caughtUp();
  await relay.sql.query(
    'alter table late drop constraint late_pkey; alter table late add primary key (id, v)',
  );
  await relay.sql.query(`insert into late values (2, 'c')`);
  await relay.caughtUp();
  const keys = (await relay.records(relay.topicOf('late'))).map((record) => String(record.key));
  expect(keys.toSorted()).toEqual(['{"id":1}', '{"id":1}', '{"id":2,"v":"c"}']);
  await running.stop();
});
