/**
 * Proves that a row with one value of 100 MiB is published whole where its topic takes it, and elsewhere parked with its
 * reason; that others flow behind it; and that the relay needs no more than its usual memory and four times that row.
 */
import { createHash } from 'node:crypto';
import type { IncomingRecord } from '@diptych/kafka/record';
import { ParkedTopic } from '@diptych/relay-app/parking/parked-topic';
import type { RelayUnderTest, TestServers } from '@diptych/relay-app/relay-under-test';
import { testBrokers, testDatabase } from '@diptych/testkit/for-tests';
import { type KafkaCluster, startKafkaCluster } from '@diptych/testkit/kafka-cluster';
import type { RelayProcess, RelaySettings } from '@diptych/testkit/relay-process';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createShop, hasRole, publishedIds, Relays } from './shop-for-tests.ts';

const mebibyte = 1024 * 1024;
const valueBytes = 100 * mebibyte;
/** Takes the longest that becomes of such a value: twice as much. */
const raisedBytesMax = 256 * mebibyte;
/** Around the value, in its row or its record. */
const aroundBytes = 4096;
/** What the relay may take besides its rows: the same as for a transaction of a million of them (docs/prove.md). */
const usualBytesMax = 300e6;
const publishTimeoutMs = 240_000;

interface Large {
  readonly what: string;
  readonly insert: string;
  /** SHA-256 of what must be in Kafka, as Postgres computes it. */
  readonly digest: string;
  /** Of the row as the server sends it, or of its record, whichever is longer. */
  readonly bytes: number;
  readonly topic: () => string;
  readonly valueOf: (record: IncomingRecord) => Buffer | string;
}

const words = `left(repeat('banana ', ${Math.ceil(valueBytes / 7)}), ${valueBytes})`;
const after = ({ value }: IncomingRecord) => JSON.parse(String(value)).after;
const text = {
  digest: `select encode(sha256(convert_to(words, 'UTF8')), 'hex') as digest from large`,
  topic: () => shop.topicOf('large'),
  valueOf: (record: IncomingRecord) => after(record).words,
};

const plainText: Large = {
  ...{ ...text, what: 'a text', bytes: valueBytes + aroundBytes },
  insert: `insert into large (id, words) values (1, ${words})`,
};
const quotes: Large = {
  ...{ ...text, what: 'a text that is twice as long in JSON', bytes: 2 * valueBytes + aroundBytes },
  insert: `insert into large (id, words) values (1, repeat('"', ${valueBytes}))`,
};
/** Two digits a byte are what the server sends of it. */
const bytea: Large = {
  ...{ what: 'a bytea', bytes: 2 * valueBytes + aroundBytes },
  insert: `insert into large (id, bytes) values (1, decode(repeat('00ff7f3a', ${valueBytes / 4}), 'hex'))`,
  digest: `select encode(sha256(bytes), 'hex') as digest from large`,
  topic: () => shop.topicOf('large'),
  valueOf: (record) => Buffer.from(after(record).bytes, 'base64'),
};
const event: Large = {
  ...{ what: 'the payload of an event', bytes: valueBytes + aroundBytes },
  insert: `insert into outbox (aggregatetype, aggregateid, type, payload) values ('cart', '1', 'Told', to_jsonb(${words}))`,
  digest: `select encode(sha256(convert_to(payload::text, 'UTF8')), 'hex') as digest from outbox`,
  topic: () => shop.domainTopic('cart'),
  valueOf: ({ value }) => value ?? '',
};

let shop: RelayUnderTest;
let relays: Relays;
afterEach(async () => {
  await relays.close();
  await shop.close();
});

/** The large row, and one behind it. Answers the relay with its peak, when everything has passed. */
async function publish(
  { insert }: Large,
  { servers, settings }: { servers: TestServers; settings: RelaySettings },
): Promise<RelayProcess> {
  shop = await createShop({}, servers);
  relays = await Relays.of(shop);
  await shop.sql.query('create table large (id int primary key, words text, bytes bytea)');
  await shop.initialise();
  const relay = await relays.add('large', { settings });
  relay.start();
  await hasRole(relay, 'active');
  await shop.sql.query(insert);
  await shop.sql.query('insert into carts (id) values (1)');
  await shop.caughtUp({ timeoutMs: publishTimeoutMs }).catch(async (cause: unknown) => {
    throw new Error(`the relay says: ${await relay.lastLine()}`, { cause });
  });
  await relay.samplePeak();
  return relay;
}

describe('where its topic takes it', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await startKafkaCluster({
      brokers: 1,
      heapMebibytes: 1024,
      settings: { 'message.max.bytes': raisedBytesMax, 'socket.request.max.bytes': 2 * raisedBytesMax },
    });
  }, 120_000);
  afterAll(() => cluster?.stop());

  test.each([plainText, quotes, bytea, event])(
    '$what of 100 MiB is published whole, in memory bounded by four times its row',
    { timeout: publishTimeoutMs + 60_000 },
    async (large) => {
      const relay = await publish(large, {
        servers: { database: testDatabase, brokers: cluster.brokers },
        settings: { DIPTYCH_LIMITS_ROW_BYTES_MAX: String(raisedBytesMax) },
      });
      expect(relay.peakRssBytes).toBeLessThan(usualBytesMax + 4 * large.bytes);
      const records = await shop.records(large.topic());
      const { rows } = await shop.sql.query<{ digest: string }>(large.digest);
      expect(records.map((record) => digestOf(large.valueOf(record)))).toEqual([rows[0]?.digest]);
      expect(await publishedIds(shop)).toEqual([1]);
    },
  );
});

describe('where a limit forbids it', () => {
  test.each([
    { large: plainText, reason: 'record-too-large' },
    { large: event, reason: 'record-too-large' },
    { large: bytea, reason: 'row-too-large' },
  ])(
    '$large.what of 100 MiB is parked as $reason, and what comes behind it is published',
    { timeout: publishTimeoutMs + 60_000 },
    async ({ large, reason }) => {
      const relay = await publish(large, {
        servers: { database: testDatabase, brokers: testBrokers() },
        settings: { DIPTYCH_CHANGE_ON_POISON: 'park' },
      });
      expect(relay.peakRssBytes).toBeLessThan(usualBytesMax + 4 * large.bytes);
      const parked = await Array.fromAsync(new ParkedTopic(shop.configuration).items());
      expect(parked).toMatchObject([{ item: { tag: 'parked', topic: large.topic(), reason, value: null } }]);
      expect(await publishedIds(shop)).toEqual([1]);
    },
  );
});

const digestOf = (value: Buffer | string): string => createHash('sha256').update(value).digest('hex');
