/** The sign of life on a quiet database: through the WAL and back, or said once that it cannot be sent. */
import { parseIdentity } from '@diptych/kafka/identity';
import { ownTopicNames } from '@diptych/kafka/topics';
import { poll } from '@diptych/runtime/poll';
import { afterEach, expect, test } from 'vitest';
import { RelayUnderTest } from './relay-under-test.ts';

const settings = { DIPTYCH_HEARTBEAT_INTERVAL_MS: '50' };

let relay: RelayUnderTest;
afterEach(() => relay.close());

const beats = () => relay.records(ownTopicNames(relay.configuration).heartbeat);

test('heartbeats come back through the WAL, move the slot, and leave no END', async () => {
  relay = await RelayUnderTest.create(settings);
  await relay.initialise();
  const running = relay.start();
  await relay.active(running);
  await poll(async () => ((await beats()).length >= 3 ? true : undefined), {
    what: 'three heartbeats',
    timeoutMs: 30_000,
  });
  await relay.sql.query('insert into carts (id) values (1)');
  await relay.caughtUp();
  await running.stop();
  const { slot } = relay.configuration;
  const read = (await beats()).map(({ key, value, headers }) => {
    const { commitLsn, ordinal, part } = parseIdentity(headers.get('diptych-tx') ?? '');
    return { key: String(key), commitLsn, place: [ordinal, part], ...JSON.parse(String(value)) };
  });
  for (const beat of read) expect(beat).toMatchObject({ key: slot, slot, place: [1, 0] });
  expect(read.map((beat) => beat.commitLsn)).toEqual(
    [...new Set(read.map((beat) => beat.commitLsn))].toSorted((a, b) => Number(a - b)),
  );
  expect(await relay.records(relay.transactionTopic)).toHaveLength(1);
});

test('a role that may not emit is said once, and rows are published', async () => {
  relay = await RelayUnderTest.create(settings);
  await relay.initialise();
  const { slot, database } = relay.configuration;
  const role = `${slot}_role`;
  await relay.sql.query(`create role ${role} login replication password 'secret';
    revoke execute on function pg_logical_emit_message(boolean, text, text, boolean) from public`);
  const url = new URL(database.url);
  url.username = role;
  url.password = 'secret';
  const said: string[] = [];
  try {
    const running = relay.start({ databaseUrl: url.href, onLog: (line) => said.push(line) });
    await relay.active(running);
    for (let id = 1; id <= 3; id += 1) {
      await relay.sql.query('insert into carts (id) values ($1)', [id]);
      await relay.caughtUp();
    }
    await running.stop();
  } finally {
    await relay.sql.query(`drop role ${role}`);
  }
  expect(await relay.records(relay.topicOf('carts'))).toHaveLength(3);
  expect(await beats()).toEqual([]);
  expect(said.filter((line) => line.includes('no heartbeat can be emitted'))).toHaveLength(1);
});
