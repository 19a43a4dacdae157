/**
 * Proves that a transaction which takes many Kafka transactions is published whole and once when the relay is killed
 * between them: the checkpoint says of how many of its messages the records are in Kafka, and its END counts all of them.
 */

import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { parseLossless } from '@diptych/runtime/json';
import { poll } from '@diptych/runtime/poll';
import { FaultProxy } from '@diptych/testkit/fault-proxy';
import type { RelayProcess } from '@diptych/testkit/relay-process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { brokerOf, createShop, hasRole, identityOf, Relays } from './shop-for-tests.ts';

let shop: RelayUnderTest;
let relays: Relays;
let link: FaultProxy;
beforeEach(async () => {
  shop = await createShop({ DIPTYCH_KAFKA_PARTITIONS: '1' });
  await shop.initialise();
  relays = await Relays.of(shop);
  link = await FaultProxy.openKafka(brokerOf(shop));
});
afterEach(async () => {
  await relays.close();
  await link.close();
  await shop.close();
});

const rows = 1500;
const kills = 3;

/** What each life of the relay found in the checkpoint: of how many messages the records are in Kafka; null outside a transaction. */
async function found(relay: RelayProcess): Promise<(number | null)[]> {
  const lines = (await relays.log(relay)).split('\n').filter((line) => line.includes('"checkpoint read"'));
  return lines.map((line) => JSON.parse(line).checkpoint.part?.seq ?? null);
}

test(`a divided transaction whose relay is killed ${kills} times inside it is whole, once and in order`, {
  timeout: 180_000,
}, async () => {
  const relay = await relays.add('killed', {
    settings: {
      DIPTYCH_KAFKA_BROKERS: `127.0.0.1:${link.port}`,
      DIPTYCH_LIMITS_BATCH_BYTES_MAX: '20000',
      DIPTYCH_LIMITS_QUEUE_BYTES_MAX: '40000',
    },
  });
  relay.start();
  await hasRole(relay, 'active');
  // Every round trip takes so long that there is time to look and to kill.
  link.slow(8);
  await shop.sql.query(`begin;
    insert into carts (id, note) select i, repeat('x', 100) from generate_series(1, ${rows}) i;
    insert into outbox (aggregatetype, aggregateid, type, payload) values ('cart', '1', 'Filled', '{}'); commit`);
  for (let kill = 0; kill < kills; kill += 1) {
    const publishes = async () => ((await relay.recordsPublished()) ?? 0) > 0 || undefined;
    await poll(publishes, { what: 'more of the transaction is published', timeoutMs: 60_000 });
    await relay.kill();
    relay.start();
  }
  link.slow(0);
  await shop.caughtUp();
  const [before, ...pieces] = await found(relay);
  expect(before).toBeNull();
  expect(pieces).toHaveLength(kills);
  expect(pieces).toEqual(pieces.toSorted((a, b) => Number(a) - Number(b)));
  expect(pieces.every((seq) => seq !== null && seq > 0 && seq < rows)).toBe(true);
  const records = await shop.records(shop.topicOf('carts'));
  expect(records.map((record) => identityOf(record).ordinal)).toEqual(
    Array.from({ length: rows }, (_, index) => index + 1),
  );
  expect((await shop.records(shop.domainTopic('cart'))).map((event) => identityOf(event).ordinal)).toEqual([
    rows + 1,
  ]);
  const ends = await shop.records(shop.transactionTopic);
  expect(ends.map(({ value }) => parseLossless(String(value)))).toMatchObject([
    { event_count: rows, domain_event_count: 1 },
  ]);
});
