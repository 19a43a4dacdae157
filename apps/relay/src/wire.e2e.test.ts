/** What an outsider finds in Kafka after a workload: docs/wire.md, "Identity", "Names and defaults" and "Records". */
import { followPairs } from '@diptych/compare/follow';
import type { JoinedTransaction } from '@diptych/compare/joined-transaction';
import { renderPair } from '@diptych/compare/pair';
import { type Identity, parseIdentity, transactionId } from '@diptych/kafka/identity';
import { partitionOf } from '@diptych/kafka/partitioner';
import type { IncomingRecord } from '@diptych/kafka/record';
import { ownTopicNames } from '@diptych/kafka/topics';
import { parseLossless } from '@diptych/runtime/json';
import { addressesOf } from '@diptych/runtime/kafka-access';
import { identifySystem } from '@diptych/wal/server';
import kafkajs from 'kafkajs';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Destination } from './destination.ts';
import { RelayUnderTest } from './relay-under-test.ts';

const shop = `
  alter table outbox replica identity full;
  create table moved (id bigint primary key, note text);
  create table emptied (id int primary key);
  create table keyless (id int, note text);
  alter table keyless replica identity full;
  create table outbox_by_month (like outbox including defaults, primary key (id, occurred_at))
    partition by range (occurred_at);
  create table outbox_2026_11 partition of outbox_by_month for values from ('2026-11-01') to ('2026-12-01');
`;

/** Beyond what a double holds. */
const big = 9_007_199_254_740_993n;
const payload = `{"z":1,"a":[1.50,1e3,${big}],"text":"žluťoučký 🐎 \\"quoted\\" \\u00e9"}`;
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

let relay: RelayUnderTest;
/** All records of both panels and END, once. */
let records: readonly Published[];
/** What was done alone, by name. */
const done = new Map<string, Statement>();
/** Xids of the concurrent workload. */
const committed: number[] = [];
const rolledBack: number[] = [];

interface Published extends IncomingRecord {
  readonly id: Identity;
}

/** One transaction, and what the server said of it. */
interface Statement {
  readonly xid: number;
  readonly beforeLsn: bigint;
  readonly afterLsn: bigint;
  readonly beforeMs: number;
  readonly afterMs: number;
}

beforeAll(async () => {
  relay = await RelayUnderTest.create({
    DIPTYCH_OUTBOX_TABLES: 'public.outbox,public.outbox_by_month',
    DIPTYCH_CHANGE_EXCLUDE: '*.outbox*',
  });
  await relay.sql.query(shop);
  await relay.initialise();
  const running = relay.start();
  await relay.active(running);
  await Promise.all([0, 1, 2, 3].map((number) => shopper(number)));
  await alone('exact', `insert into moved values (${big}, 'x')`);
  await alone('key change', 'update moved set id = -1');
  await alone('delete', 'delete from moved');
  await alone('truncate', 'insert into emptied values (1), (2); truncate emptied');
  await alone('keyless', `insert into keyless values (1, 'a'); update keyless set note = 'b'`);
  await alone(
    'gaps',
    `insert into carts values (-1); select pg_logical_emit_message(true, 'noise', 'x');
     delete from outbox where aggregateid = '0'; insert into carts values (-2)`,
  );
  await alone(
    'event',
    `insert into outbox (aggregatetype, aggregateid, type, payload, aggregateversion, typeversion, headers)
     values ('cart', 'exact', 'CartOpened', $$${payload}$$, ${big}, 3, '{"traceparent": "${traceparent}"}')`,
  );
  await alone(
    'by month',
    `insert into outbox_by_month (aggregatetype, aggregateid, type, payload, occurred_at)
     values ('order', '7', 'OrderPlaced', '{"order": 7}', '2026-11-21')`,
  );
  await relay.caughtUp();
  await running.stop();
  await settled();
  records = await everything();
}, 60_000);

afterAll(() => relay.close());

/**
 * EndTxn answers before the markers stand in every partition, and until then readers do not see the last records. The
 * next fence waits for them.
 */
async function settled(): Promise<void> {
  const source = await identifySystem(relay.configuration.database.url);
  const publisher = new Destination(relay.configuration).createPublisher(source);
  await publisher.fence();
  await publisher.close();
}

/** Rows and events in transactions of its own, some of them rolled back, while others do the same. */
async function shopper(number: number): Promise<void> {
  const sql = new pg.Client({ connectionString: relay.configuration.database.url });
  await sql.connect();
  for (let turn = 0; turn < 15; turn += 1) {
    const id = number * 1000 + turn * 10;
    await sql.query('begin');
    const { rows } = await sql.query<{ xid: string }>('select pg_current_xact_id()::text as xid');
    for (let row = 0; row <= turn % 4; row += 1) {
      await sql.query('insert into carts (id) values ($1)', [id + row]);
      await sql.query(
        `insert into outbox (aggregatetype, aggregateid, type, payload) values ($1, $2, 'CartOpened', '{}')`,
        [turn % 2 === 0 ? 'cart' : 'order', String(number)],
      );
    }
    await sql.query(`update carts set note = 'seen' where id between $1 and $1 + 1`, [id]);
    await sql.query('delete from carts where id = $1', [id]);
    const keeps = turn % 5 !== 4;
    await sql.query(keeps ? 'commit' : 'rollback');
    (keeps ? committed : rolledBack).push(Number(rows[0]?.xid));
  }
  await sql.end();
}

async function alone(name: string, statements: string): Promise<void> {
  const now = async () => {
    const { rows } = await relay.sql.query<{ lsn: string; ms: string }>(
      `select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::text as lsn,
         floor(extract(epoch from clock_timestamp()) * 1000)::text as ms`,
    );
    return { lsn: BigInt(rows[0]?.lsn ?? 0), ms: Number(rows[0]?.ms) };
  };
  const before = await now();
  await relay.sql.query('begin');
  const { rows } = await relay.sql.query<{ xid: string }>('select pg_current_xact_id()::text as xid');
  await relay.sql.query(statements);
  await relay.sql.query('commit');
  const after = await now();
  done.set(name, {
    xid: Number(rows[0]?.xid),
    beforeLsn: before.lsn,
    afterLsn: after.lsn,
    beforeMs: before.ms,
    afterMs: after.ms,
  });
}

async function everything(): Promise<Published[]> {
  const tables = ['carts', 'moved', 'emptied', 'keyless'].map((table) => relay.topicOf(table));
  const topics = [
    ...tables,
    ...['cart', 'order'].map((type) => relay.domainTopic(type)),
    relay.transactionTopic,
  ];
  const read = await Promise.all(topics.map((topic) => relay.records(topic)));
  return read
    .flat()
    .map((record) => ({ ...record, id: parseIdentity(record.headers.get('diptych-tx') ?? '') }));
}

const bodyOf = ({ value }: IncomingRecord) => parseLossless(String(value)) as Record<string, unknown>;
const isEnd = ({ topic }: IncomingRecord) => topic === relay.transactionTopic;
const isEvent = ({ topic }: IncomingRecord) => topic.startsWith(relay.configuration.outbox.topicPrefix);

/** The records of one transaction that was done alone, in their order. */
function made(name: string): Published[] {
  const xid = done.get(name)?.xid;
  return records
    .filter(({ id }) => id.xid === xid)
    .toSorted((a, b) => a.id.ordinal - b.id.ordinal || a.id.part - b.id.part);
}

const places = (some: readonly Published[]) => some.map(({ id }) => `${id.ordinal}.${id.part}`);

test('the identity says what the server knows: xid, a position inside the commit, the commit time', () => {
  for (const [name, { xid, beforeLsn, afterLsn, beforeMs, afterMs }] of done) {
    expect(made(name).length).toBeGreaterThan(1);
    for (const { id, timestampMs } of made(name)) {
      expect(id).toMatchObject({ timeline: 1, xid });
      expect(id.commitLsn > beforeLsn && id.commitLsn < afterLsn).toBe(true);
      expect(timestampMs).toBe(Number(id.commitTimeUs / 1000n));
      expect(timestampMs).toBeGreaterThanOrEqual(beforeMs);
      expect(timestampMs).toBeLessThanOrEqual(afterMs);
    }
  }
});

test('within a partition records are in commit order and those of a transaction contiguous, whoever writes at once', () => {
  const textOf = ({ id }: Published) =>
    [id.commitLsn, BigInt(id.ordinal), BigInt(id.part)].map((part) => String(part).padStart(20, '0')).join();
  const partitions = Map.groupBy(records, ({ topic, partition }) => `${topic} ${partition}`);
  expect(partitions.size).toBeGreaterThan(12);
  for (const inPartition of partitions.values()) {
    const places = inPartition.map(textOf);
    // Strictly ascending by commit first: no transaction begins before the one before it has ended.
    expect(places).toEqual([...new Set(places)].toSorted());
  }
});

test('a dedupe key is there once, except in the copies of a truncate', () => {
  const byKey = Map.groupBy(records, ({ id }) => `${id.timeline} ${id.commitLsn} ${id.ordinal} ${id.part}`);
  const repeated = [...byKey.values()].filter((same) => same.length > 1);
  expect(repeated).toHaveLength(1);
  expect(new Set(repeated.flat().map((record) => `${record.topic} ${String(bodyOf(record).op)}`))).toEqual(
    new Set([`${relay.topicOf('emptied')} t`]),
  );
});

test('each committed transaction has one END that counts what is in the topics; a rolled back one has nothing', () => {
  const ends = records.filter(isEnd);
  const xids = new Set(ends.map(({ id }) => id.xid));
  expect(xids.size).toBe(ends.length);
  expect(new Set(committed).difference(xids)).toEqual(new Set());
  expect(rolledBack).toHaveLength(12);
  expect(records.filter(({ id }) => rolledBack.includes(id.xid))).toEqual([]);
  for (const end of ends) {
    const others = records.filter(
      ({ id }) => id.commitLsn === end.id.commitLsn && id.ordinal < end.id.ordinal,
    );
    const changes = others.filter((record) => !isEvent(record) && record.value !== null);
    const places = new Set(changes.map(({ id }) => `${id.ordinal}.${id.part}`));
    expect(bodyOf(end)).toMatchObject({
      status: 'END',
      id: transactionId(end.id),
      ts_ms: end.timestampMs,
      event_count: places.size,
      domain_event_count: others.filter(isEvent).length,
      parked_count: 0,
    });
    expect(String(end.key)).toBe(`{"id":"${transactionId(end.id)}"}`);
  }
});

test('transaction.id is the same in END and in every change event', () => {
  const changes = records.filter((record) => !isEnd(record) && !isEvent(record) && record.value !== null);
  expect(changes.length).toBeGreaterThan(100);
  for (const record of changes) {
    expect(bodyOf(record)).toMatchObject({ transaction: { id: transactionId(record.id) } });
  }
});

test('ordinals count what makes no record: logical messages and housekeeping of the outbox', () => {
  // Insert, message, one delete for each event of the shopper 0, insert.
  const removed = records.filter((record) => isEvent(record) && String(record.key) === '0').length;
  expect(removed).toBeGreaterThan(10);
  expect(places(made('gaps'))).toEqual(['1.0', `${removed + 3}.0`, `${removed + 4}.0`]);
});

test('a delete is followed by its tombstone, and both have the old key', () => {
  const [change, tombstone, end] = made('delete');
  expect(places(made('delete'))).toEqual(['1.0', '1.1', '2.0']);
  expect(change && bodyOf(change)).toMatchObject({ op: 'd', before: { id: -1 }, after: null });
  expect([String(change?.key), String(tombstone?.key), tombstone?.value]).toEqual([
    '{"id":-1}',
    '{"id":-1}',
    null,
  ]);
  expect([...(tombstone?.headers.keys() ?? [])]).toEqual(['diptych-tx']);
  expect(end && bodyOf(end)).toMatchObject({ event_count: 1 });
});

test('a key change is delete, tombstone and create, each naming the other key', () => {
  const [removed, tombstone, created, end] = made('key change');
  expect(places(made('key change'))).toEqual(['1.0', '1.1', '1.2', '2.0']);
  const oldKey = `{"id":${big}}`;
  expect([removed, tombstone, created].map((record) => String(record?.key))).toEqual([
    oldKey,
    oldKey,
    '{"id":-1}',
  ]);
  for (const record of [removed, tombstone]) {
    expect(record?.headers.get('__debezium.newkey')).toBe('{"id":-1}');
  }
  expect(created?.headers.get('__debezium.oldkey')).toBe(oldKey);
  expect([removed, created].map((record) => record && bodyOf(record).op)).toEqual(['d', 'c']);
  expect(end && bodyOf(end)).toMatchObject({ event_count: 2 });
});

test('a truncate is in every partition of its topic, with one ordinal, and counted once', () => {
  const truncates = made('truncate').filter((record) => !isEnd(record) && bodyOf(record).op === 't');
  expect(truncates.map(({ partition }) => partition).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(new Set(places(truncates))).toEqual(new Set(['3.0']));
  expect(new Set(truncates.map(({ value }) => String(value))).size).toBe(1);
  expect(truncates.map(({ key }) => key)).toEqual(truncates.map(() => null));
  expect(made('truncate').filter(isEnd).map(bodyOf)).toMatchObject([{ event_count: 3 }]);
});

test('a domain event is the payload byte for byte as the database has it, keyed by its aggregate', async () => {
  const [event] = made('event');
  const { rows } = await relay.sql.query<{ id: string; text: string }>(
    `select id, payload::text as text from outbox where aggregateid = 'exact'`,
  );
  expect(event?.topic).toBe(relay.domainTopic('cart'));
  expect(String(event?.key)).toBe('exact');
  expect(event?.value).toEqual(Buffer.from(rows[0]?.text ?? ''));
  expect(String(event?.value)).toContain(String(big));
  expect(Object.fromEntries(event?.headers ?? [])).toEqual({
    'diptych-tx': expect.any(String),
    id: rows[0]?.id,
    eventType: 'CartOpened',
    eventVersion: '3',
    aggregateVersion: String(big),
    traceparent,
  });
});

test('a partitioned outbox table speaks as one table', () => {
  const [event, end] = made('by month');
  expect([event?.topic, String(event?.value)]).toEqual([relay.domainTopic('order'), '{"order": 7}']);
  expect(end && bodyOf(end)).toMatchObject({ event_count: 0, domain_event_count: 1 });
});

test('the partition is that of Java’s default partitioner, and 0 without a key', () => {
  const keyed = records.filter((record) => record.key !== null && !isEnd(record));
  expect(new Set(keyed.map(({ partition }) => partition)).size).toBe(6);
  for (const { key, partition } of keyed) expect(partition).toBe(partitionOf(key, 6));
  const keyless = made('keyless').filter((record) => !isEnd(record));
  expect(keyless.map(({ key, partition }) => [key, partition])).toEqual([
    [null, 0],
    [null, 0],
  ]);
});

test('a bigint beyond 2^53 goes from the row to the terminal', async () => {
  const { kafka, prefix, outbox } = relay.configuration;
  const stop = new AbortController();
  const pairs = followPairs({
    brokers: kafka.brokers,
    prefix,
    domainPrefix: outbox.topicPrefix,
    from: 'beginning',
    signal: stop.signal,
  });
  const exact: JoinedTransaction[] = [];
  for await (const pair of pairs) {
    if (pair.identity.xid === done.get('exact')?.xid) exact.push(pair);
    if (pair.identity.xid === done.get('event')?.xid) break;
  }
  stop.abort();
  expect(exact.flatMap(({ changes }) => changes)).toMatchObject([{ op: 'c', after: { id: big } }]);
  expect(exact.map((pair) => renderPair(pair, { columns: 200 })).join()).toContain(`id=${big}`);
});

test('the broker has the topics as they are documented', async () => {
  const { kafka, prefix, slot } = relay.configuration;
  const own = ownTopicNames({ prefix, slot });
  const kept = { 'cleanup.policy': 'delete', 'retention.ms': '-1' };
  const expected = {
    [own.transaction]: { partitions: 1, ...kept },
    [own.parked]: { partitions: 1, ...kept },
    [own.checkpoint]: { partitions: 1, 'cleanup.policy': 'compact' },
    [relay.topicOf('carts')]: { partitions: 6, ...kept },
    [relay.domainTopic('cart')]: { partitions: 6, ...kept },
  };
  const names = Object.keys(expected);
  const admin = new kafkajs.Kafka({
    brokers: [...addressesOf(kafka.brokers)],
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin();
  await admin.connect();
  const { topics } = await admin.fetchTopicMetadata({ topics: names });
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: names.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name })),
  });
  await admin.disconnect();
  const found = topics.map(({ name, partitions }) => {
    const entries = resources.find(({ resourceName }) => resourceName === name)?.configEntries ?? [];
    const settings = entries
      .filter(({ configName }) => /^(cleanup\.policy|retention\.ms)$/.test(configName))
      .map(({ configName, configValue }) => [configName, configValue]);
    return [name, { partitions: partitions.length, ...Object.fromEntries(settings) }];
  });
  expect(Object.fromEntries(found)).toMatchObject(expected);
});

test('the last checkpoint names slot, system, position and publications, under the key of its slot', async () => {
  const { prefix, slot } = relay.configuration;
  const checkpoints = await relay.records(ownTopicNames({ prefix, slot }).checkpoint);
  const last = checkpoints.at(-1);
  const { rows } = await relay.sql.query<Record<'system' | 'database' | 'outbox' | 'change', string>>(
    `select (select system_identifier::text from pg_control_system()) as system, current_database() as database,
       (select oid::text from pg_publication where pubname = 'diptych_outbox') as outbox,
       (select oid::text from pg_publication where pubname = 'diptych_change') as change`,
  );
  expect(String(last?.key)).toBe(slot);
  expect(last?.headers.size).toBe(0);
  expect(last && bodyOf(last)).toEqual({
    v: 1,
    slot,
    systemId: rows[0]?.system,
    database: rows[0]?.database,
    timeline: 1,
    era: expect.any(Number),
    lsn: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/),
    part: null,
    reportedLsn: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/),
    optionsHash: expect.stringMatching(/^[0-9a-f]{16}$/),
    publications: {
      diptych_outbox: {
        oid: Number(rows[0]?.outbox),
        options: 'insert,update,delete,truncate,via-root',
        tables: ['public.outbox', 'public.outbox_by_month'],
        memberships: expect.any(Array),
      },
      diptych_change: {
        oid: Number(rows[0]?.change),
        options: 'insert,update,delete,truncate',
        memberships: expect.any(Array),
        tables: ['public.carts', 'public.emptied', 'public.keyless', 'public.moved'],
      },
    },
    partitions: expect.objectContaining({ [relay.topicOf('carts')]: 6, [relay.transactionTopic]: 1 }),
    snapshot: null,
  });
});

test('init makes publications of all operations: the outbox by its root, the business tables by their leaves', async () => {
  const { rows } = await relay.sql.query(
    `select pubname as name, pubinsert and pubupdate and pubdelete and pubtruncate as everything, pubviaroot as root
     from pg_publication order by 1`,
  );
  expect(rows).toEqual([
    { name: 'diptych_change', everything: true, root: false },
    { name: 'diptych_outbox', everything: true, root: true },
  ]);
});
