/** How a relay behaves towards Postgres, Kafka and other relays: docs/wire.md, "Delivery". */
import { createPublisher } from '@diptych/kafka/create-publisher';
import type { Publisher } from '@diptych/kafka/publisher';
import { ownTopicNames } from '@diptych/kafka/topics';
import { parseLossless } from '@diptych/runtime/json';
import { poll } from '@diptych/runtime/poll';
import { parseLsn } from '@diptych/wal/lsn';
import { identifySystem } from '@diptych/wal/server';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { initialise } from './initialise.ts';
import { RelayUnderTest } from './relay-under-test.ts';

let relay: RelayUnderTest;
const publishers: Publisher[] = [];
beforeEach(async () => {
  relay = await RelayUnderTest.create();
});
afterEach(async () => {
  await Promise.all(publishers.splice(0).map((publisher) => publisher.close()));
  await relay.close();
});

const checkpointTopic = () => ownTopicNames(relay.configuration).checkpoint;

/** The positions that committed checkpoints hold, in their order. */
async function reportable(): Promise<bigint[]> {
  const records = await relay.records(checkpointTopic());
  return records.map(({ value }) => {
    const { reportedLsn } = parseLossless(String(value)) as { reportedLsn: string };
    return parseLsn(reportedLsn);
  });
}

async function confirmedFlushLsn(): Promise<bigint> {
  const { rows } = await relay.sql.query<{ lsn: string }>(
    'select confirmed_flush_lsn::text as lsn from pg_replication_slots where slot_name = $1',
    [relay.configuration.slot],
  );
  return parseLsn(rows[0]?.lsn ?? '');
}

/** EndTxn answers before readers see the last records; the next fence waits until they do. */
const settled = namesake;

/** Somebody else who uses the transactional id that docs/wire.md names. */
async function namesake(): Promise<Publisher> {
  const { kafka, prefix, slot, database } = relay.configuration;
  const { systemId } = await identifySystem(database.url);
  const publisher = createPublisher('kafkajs', {
    brokers: kafka.brokers,
    clientId: 'namesake',
    transactionalId: `diptych/${prefix}/${systemId}/${slot}`,
    transactionTimeoutMs: 10_000,
    requestTimeoutMs: 10_000,
  });
  publishers.push(publisher);
  await publisher.fence();
  return publisher;
}

test('init makes the publications before the slot, and writes the first checkpoint at the slot’s position', async () => {
  const said: string[] = [];
  const say = (line: string) => void said.push(line);
  await initialise({ configuration: relay.configuration, fromSlot: false, say });
  const { slot } = relay.configuration;
  expect(said.map((line) => line.split(':')[0])).toEqual([
    'Kafka',
    'publication diptych_outbox',
    'publication diptych_change',
    `slot ${slot}`,
  ]);
  await settled();
  expect(await reportable()).toEqual([await confirmedFlushLsn()]);
});

test('the transactional id is made of prefix, system and slot: who else fences it ends the relay’s session, which begins anew', async () => {
  await relay.initialise();
  const running = relay.start();
  await relay.active(running);
  await namesake();
  await relay.sql.query('insert into carts (id) values (1)');
  await relay.caughtUp();
  expect(running.board.lastError?.code).toBe('publisher-fenced');
  expect((await relay.records(relay.topicOf('carts'))).map(({ key }) => String(key))).toEqual(['{"id":1}']);
  await running.stop();
});

test('a relay that finds the checkpoint of another database fences nobody', async () => {
  await relay.initialise();
  const { prefix, slot } = relay.configuration;
  const other = await RelayUnderTest.create({ DIPTYCH_PREFIX: prefix, DIPTYCH_SLOT: slot });
  try {
    const publisher = await namesake();
    await relay.sql.query('select pg_drop_replication_slot($1)', [slot]);
    await other.sql.query('create publication diptych_outbox; create publication diptych_change');
    await other.sql.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [slot]);
    await expect(other.start().ended).rejects.toMatchObject({ code: 'checkpoint-foreign' });
    const record = { topic: relay.transactionTopic, key: null, value: null, headers: [], timestampMs: 0 };
    await publisher.publish([record]); // still alive
  } finally {
    await other.close();
  }
});

test('the server is told positions of committed checkpoints only: under load, and when a batch never commits', async () => {
  await relay.initialise();
  const running = relay.start();
  await relay.active(running);
  const told = new Set<bigint>();
  for (let id = 1; id <= 300; id += 1) {
    await relay.sql.query('insert into carts (id) values ($1)', [id]);
    told.add(await confirmedFlushLsn());
  }
  await relay.caughtUp();
  expect(told.size).toBeGreaterThan(2);
  await relay.sql.query(`insert into carts (id, note) values (0, repeat('x', 2000000))`);
  await expect(running.ended).rejects.toMatchObject({ code: 'record-too-large' });
  await settled();
  const held = await reportable();
  expect([...told].filter((position) => !held.includes(position))).toEqual([]);
  expect(await confirmedFlushLsn()).toBe(held.at(-1));
});

/** Far more than one statement takes, far less than the pause between two. */
const sameStatementMs = 30;

test('a standby asks on one ordinary connection, and never for the slot while it is held', async () => {
  await relay.initialise();
  const first = relay.start();
  await relay.active(first);
  const second = relay.start();
  await poll(() => (second.board.role === 'standby' ? true : undefined), {
    what: 'the second relay stands by',
    timeoutMs: 10_000,
  });
  const sessions = new Set<string>();
  const askedAtMs = new Map<number, Set<number>>();
  const observe = async () => {
    const { rows } = await relay.sql.query<{ pid: number; type: string; query: string; ms: number }>(
      `select pid, backend_type as type, query, extract(epoch from query_start)::float8 * 1000 as ms
       from pg_stat_activity where application_name like 'diptych%' and application_name <> 'diptych identify'
         and datname = current_database()`,
    );
    for (const { pid, type, query, ms } of rows) {
      sessions.add(`${type} ${pid}`);
      if (!query.includes('pg_replication_slots')) continue;
      const times = askedAtMs.get(pid) ?? new Set();
      // One statement is parsed, bound and executed, each with a start of its own, all within a few milliseconds.
      const isNew = ms - Math.max(...times, 0) > sameStatementMs;
      askedAtMs.set(pid, isNew ? times.add(ms) : times);
    }
    return [...askedAtMs.values()].find((times) => times.size >= 8);
  };
  const what = 'the standby asks again and again';
  const times = await poll(observe, { what, timeoutMs: 10_000, intervalMs: 3 });
  // The holder's stream, and an ordinary connection for each.
  expect([...sessions].map((session) => session.replace(/ \d+$/, '')).toSorted()).toEqual([
    'client backend',
    'client backend',
    'walsender',
  ]);
  const pausesMs = [...times].slice(1).map((ms, index) => ms - ([...times][index] ?? 0));
  // 200 ms ± 50 %, less a timer's inexactness; how much later a busy machine asks is its own affair.
  expect(Math.min(...pausesMs)).toBeGreaterThan(95);
  await first.stop();
  await relay.active(second);
  await second.stop();
});
