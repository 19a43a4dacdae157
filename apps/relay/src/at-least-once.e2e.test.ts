/** `delivery: at-least-once` on real servers: failures repeat records, and nothing else is different. */
import { parseIdentity } from '@diptych/kafka/identity';
import type { IncomingRecord } from '@diptych/kafka/record';
import { poll } from '@diptych/runtime/poll';
import { afterEach, describe, expect, test } from 'vitest';
import { RelayUnderTest, type RunningRelay } from './relay-under-test.ts';

const relays: RelayUnderTest[] = [];
afterEach(async () => {
  await Promise.all(relays.splice(0).map((relay) => relay.close()));
});

type Environment = Record<`DIPTYCH_${string}`, string>;

async function created(environment: Environment): Promise<RelayUnderTest> {
  const relay = await RelayUnderTest.create({ DIPTYCH_DELIVERY: 'at-least-once', ...environment });
  relays.push(relay);
  await relay.initialise();
  return relay;
}

const keyOf = (record: IncomingRecord) => record.headers.get('diptych-tx') ?? '';
/** An envelope says besides, in its last fields, when it was made. */
const madeAt = /,"ts_ms":\d+,"ts_us":\d+,"ts_ns":\d+\}$/;
const contentOf = ({ key, value, headers, timestampMs }: IncomingRecord) =>
  JSON.stringify([String(key), String(value).replace(madeAt, '}'), [...headers], timestampMs]);

/** Each record once, by the key that docs/wire.md names: its first occurrence. */
function deduped(records: readonly IncomingRecord[]): IncomingRecord[] {
  const seen = new Set<string>();
  return records.filter((record) => {
    const name = `${record.topic} ${record.partition} ${keyOf(record)}`;
    return seen.has(name) ? false : seen.add(name);
  });
}

async function endWalSender(relay: RelayUnderTest): Promise<void> {
  await relay.sql.query(
    'select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = $1',
    [relay.configuration.slot],
  );
}

async function write(relay: RelayUnderTest, from: number, count: number): Promise<void> {
  for (let id = from; id < from + count; id += 1) {
    await relay.sql.query(
      `begin; insert into carts (id) values (${id});
       insert into outbox (aggregatetype, aggregateid, type, payload) values ('cart', '${id % 7}', 'Noted', '{"n": ${id}}'); commit`,
    );
  }
}

describe.each(['platformatic', 'kafkajs'] as const)('at least once with %s', (driver) => {
  test('whatever sessions end, nothing is lost, repeats are equal, and each first occurrence is in order', async () => {
    const relay = await created({
      DIPTYCH_KAFKA_DRIVER: driver,
      DIPTYCH_LIMITS_BATCH_BYTES_MAX: '3000',
      DIPTYCH_LIMITS_QUEUE_BYTES_MAX: '20000',
    });
    const running = relay.start();
    await relay.active(running);
    const large = relay.sql.query(
      `insert into carts (id, note) select i, repeat('x', 100) from generate_series(10000, 10999) i`,
    );
    for (let round = 0; round < 8; round += 1) {
      await large;
      await write(relay, round * 25, 25);
      await endWalSender(relay);
    }
    await relay.caughtUp();
    await running.stop();
    const changes = await relay.records(relay.topicOf('carts'));
    const events = await relay.records(relay.domainTopic('cart'));
    const ends = await relay.records(relay.transactionTopic);
    expect([deduped(changes).length, deduped(events).length, deduped(ends).length]).toEqual([1200, 200, 201]);
    for (const records of [changes, events, ends]) {
      const contents = Map.groupBy(records, (record) => `${record.partition} ${keyOf(record)}`);
      expect([...contents.values()].filter((same) => new Set(same.map(contentOf)).size > 1)).toEqual([]);
      for (const partition of Map.groupBy(deduped(records), (record) => record.partition).values()) {
        const places = partition.map((record) => {
          const { commitLsn, ordinal } = parseIdentity(keyOf(record));
          return commitLsn * 100_000n + BigInt(ordinal);
        });
        expect(places).toEqual(places.toSorted((a, b) => (a < b ? -1 : 1)));
      }
    }
  });

  test('an orderly stop and start repeats nothing, from mode to mode', async () => {
    const relay = await created({ DIPTYCH_KAFKA_DRIVER: driver });
    const modes = [
      'at-least-once',
      'at-least-once',
      'exactly-once',
      'at-least-once',
      'exactly-once',
    ] as const;
    for (const [round, delivery] of modes.entries()) {
      await write(relay, round * 5, 5);
      const running = relay.start({ delivery });
      await relay.active(running);
      expect(running.board.toJSON()).toMatchObject({ delivery });
      await write(relay, 100 + round * 5, 5);
      await relay.caughtUp();
      await running.stop();
    }
    expect(await relay.records(relay.topicOf('carts'))).toHaveLength(50);
    expect(await relay.records(relay.domainTopic('cart'))).toHaveLength(50);
    expect(await relay.records(relay.transactionTopic)).toHaveLength(50);
  });
});

test('a relay that stops at once has said what it has published', async () => {
  const relay = await created({});
  for (let round = 1; round <= 5; round += 1) {
    const running = relay.start();
    await relay.active(running);
    await write(relay, round, 1);
    await poll(
      async () => ((await relay.records(relay.transactionTopic)).length >= round ? true : undefined),
      {
        what: 'the transaction is published',
        timeoutMs: 30_000,
        intervalMs: 5,
      },
    );
    await running.stop();
  }
  expect(await relay.records(relay.transactionTopic)).toHaveLength(5);
});

test('a standby takes over', async () => {
  const relay = await created({});
  const first = relay.start();
  await relay.active(first);
  const second = relay.start();
  const isStandby = (one: RunningRelay) => (one.board.role === 'standby' ? true : undefined);
  await poll(() => isStandby(second), { what: 'the second stands by', timeoutMs: 30_000 });
  await write(relay, 1, 3);
  await relay.caughtUp();
  await first.stop();
  await relay.active(second);
  await write(relay, 4, 3);
  await relay.caughtUp();
  await second.stop();
  expect(await relay.records(relay.transactionTopic)).toHaveLength(6);
});

test('a slot that was moved by hand is refused, and so is a lost checkpoint', async () => {
  const relay = await created({});
  const first = relay.start();
  await relay.active(first);
  await write(relay, 1, 1);
  await relay.caughtUp();
  await first.stop();
  await write(relay, 2, 1);
  await relay.sql.query('select pg_replication_slot_advance($1, pg_current_wal_lsn())', [
    relay.configuration.slot,
  ]);
  await expect(relay.start().ended).rejects.toMatchObject({ code: 'slot-moved-or-recreated' });
  await relay.initialise({ fromSlot: true });
  const second = relay.start();
  await relay.active(second);
  await write(relay, 3, 1);
  await relay.caughtUp();
  await second.stop();
  expect((await relay.records(relay.transactionTopic)).length).toBe(2);
});
