/**
 * Proves that a Kafka transaction which expires at its coordinator costs nothing but time: the relay has sent its records, the
 * commit hangs on the way for longer than the transaction may last, and the coordinator aborts it. When the commit arrives at
 * last it is refused, and everything comes again, once.
 */
import { FetchClient } from '@diptych/kafka/fetch-client';
import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { poll } from '@diptych/runtime/poll';
import { FaultProxy } from '@diptych/testkit/fault-proxy';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { brokerOf, createShop, hasRole, publishedIds, Relays } from './shop-for-tests.ts';

/** https://kafka.apache.org/43/design/protocol/#protocol_api_keys */
const endTransaction = 26;

/** The transaction's 15 s, and the coordinator's look at what has expired every 10 s; five times slower. */
const expiryTimeoutMs = 150_000;

let shop: RelayUnderTest;
let relays: Relays;
let kafka: FaultProxy;
beforeEach(async () => {
  shop = await createShop();
  await shop.initialise();
  relays = await Relays.of(shop);
  kafka = await FaultProxy.openKafka(brokerOf(shop));
});
afterEach(async () => {
  await relays.close();
  await kafka.close();
  await shop.close();
});

/** Records, markers included, and those of them that stand behind a transaction which is still open. */
async function countRecords(topic: string): Promise<{ all: bigint; open: bigint }> {
  const { brokers } = shop.configuration.kafka;
  const client = new FetchClient({ brokers, requestTimeoutMs: 10_000 });
  const sum = (offsets: Map<string, bigint[]>) =>
    (offsets.get(topic) ?? []).reduce((total, offset) => total + offset, 0n);
  try {
    const located = [...(await client.topics([topic])).values()];
    const all = sum(await client.offsets(located, 'end'));
    return { all, open: all - sum(await client.offsets(located, 'last-stable')) };
  } finally {
    await client.close();
  }
}

/** Not by the slot: WAL of the server's own, behind the rows, waits for an idle checkpoint. */
function published(rows: number, { timeoutMs }: { timeoutMs: number }): Promise<true> {
  const enough = async () => (await publishedIds(shop)).length >= rows || undefined;
  return poll(enough, { what: `${rows} rows are published`, timeoutMs, intervalMs: 250 });
}

test('a transaction that expires before its commit arrives is published again, whole and once', {
  timeout: 2 * expiryTimeoutMs,
}, async () => {
  const relay = await relays.add('late', {
    settings: {
      DIPTYCH_KAFKA_BROKERS: `127.0.0.1:${kafka.port}`,
      // The commit that hangs is that of rows.
      DIPTYCH_TIMING_IDLE_CHECKPOINT_INTERVAL_MS: '600000',
    },
  });
  const topic = shop.topicOf('carts');
  relay.start();
  await hasRole(relay, 'active');
  await shop.sql.query('insert into carts (id) values (0)');
  await published(1, { timeoutMs: 30_000 });
  const before = await countRecords(topic);

  const commitCame = kafka.holdAt(endTransaction);
  await shop.sql.query('insert into carts (id) select generate_series(1, 100)');
  await commitCame;
  expect((await countRecords(topic)).open).toBeGreaterThanOrEqual(100n);
  await poll(async () => ((await countRecords(topic)).open === 0n ? true : undefined), {
    what: 'the coordinator aborts the transaction',
    timeoutMs: expiryTimeoutMs,
    intervalMs: 250,
  });
  expect((await countRecords(topic)).all - before.all).toBeGreaterThan(100n);
  expect(await publishedIds(shop)).toEqual([0]);

  kafka.release();
  await shop.sql.query('insert into carts (id) values (101)');
  await published(102, { timeoutMs: 120_000 });
  expect(await publishedIds(shop)).toEqual(Array.from({ length: 102 }, (_, id) => id));
  expect(await relay.unaskedExits()).toEqual([]);
});
